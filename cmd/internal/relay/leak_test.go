package relay_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds whatever goroutine a test leaves behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
