package relay_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleEnv names the part that this test binary plays where one of its tests has started it as a process of its own.
const roleEnv = "BEFREE_TEST_ROLE"

var parts = map[string]func(args []string){}

// TestMain finds whatever goroutine a test leaves behind.
func TestMain(m *testing.M) {
	if role, ok := parts[os.Getenv(roleEnv)]; ok {
		role(os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m)
}
