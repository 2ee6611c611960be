package main

import (
	"testing"

	"befree.example/cmd/internal/config/configtest"
)

func TestNoSecretInTheCommandLine(t *testing.T) {
	configtest.NoSecrets(t, &cli{}, "keys", "relay-key", "keys-to", "keys-from") // of a keyboard; the public half, and folders
}
