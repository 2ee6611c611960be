package relay_test

import (
	"testing"

	"befree.example/client"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// Words of who waits lie on no console's disk: after signing in again they are there once they are asked for.
func TestWordsOfWhoWaitsAfterSigningInAgain(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "locked in")
	ada.until("the text", func() bool { c := ada.only(); return c != nil && c.Newest().Text == "locked in" })
	ada.end()
	var err error
	if ada.Client, err = client.New(ada.Config); err != nil {
		t.Fatal(err)
	}
	if ada.Preview(t.Context(), nil) == nil {
		t.Error("something was asked without a connection")
	}
	ada.run()
	ada.until("to be in step", func() bool { return ada.Status().InStep() })
	c := ada.only()
	if !c.Newest().Withheld {
		t.Fatal("words of who waits were on the disk")
	}
	if err := ada.Preview(t.Context(), []string{c.ID}); err != nil {
		t.Fatal(err)
	}
	ada.until("the words", func() bool { return ada.only().Newest().Text == "locked in" })
}
