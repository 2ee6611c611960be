package main

import (
	"testing"

	"befree.example/cmd/internal/config/configtest"
)

func TestNoSecretInTheCommandLine(t *testing.T) {
	configtest.NoSecrets(t, &cli{}, "keys", "key-ring") // of a keyboard; use it, or leave it
}
