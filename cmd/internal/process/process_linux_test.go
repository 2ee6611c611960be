package process_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	acts["dumpable"] = func(*os.File) {
		may, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		fmt.Println(may, err)
	}
}

// Nobody but root reads the memory or the environment of befree, not even its own user.
func TestMemoryIsNobodysBusiness(t *testing.T) {
	if out, err := again(t, "dumpable").Output(); err != nil || string(out) != "0 <nil>\n" {
		t.Errorf("%q, %v", out, err)
	}
}
