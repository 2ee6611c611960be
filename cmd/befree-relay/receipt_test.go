package main

import (
	"strings"
	"testing"

	"befree.example/store/desk"
)

func TestAReceiptNamesWhatIsLeftOut(t *testing.T) {
	var out strings.Builder
	printReceipt(&out, desk.Receipt{Conversation: "c1", Forgettings: []desk.Forgetting{{Kind: desk.ForgottenToo}}, LeftOut: []string{"c2"}}, 0, "gone")
	if !strings.Contains(out.String(), "NOT FORGOTTEN: c2 ") {
		t.Errorf("it says %s", out.String())
	}
}
