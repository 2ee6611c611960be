package bolt

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleEnv names the part that this test binary plays where one of its tests has started it as a process of its own.
const roleEnv = "BEFREE_TEST_ROLE"

var roles = map[string]func(args []string){}

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleEnv)]; ok {
		role(os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m)
}
