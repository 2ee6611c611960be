package simulate

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway"
)

// TestList: what texters wrote and what they were sent, page by page, the newest first.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Ours: short, Scripts: []*Script{named(t, "picture without words")}, Pace: Fast})
		for i := range pageSize + 1 {
			if _, err := c.Send(t.Context(), gateway.Outgoing{ID: fmt.Sprint(i), To: someone, From: short, Body: "hello"}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := c.Run(ctx, &relay{}); err != nil {
			t.Fatal(err)
		}
		out := gateway.Query{Ours: short, Since: time.Now().Add(-2 * time.Hour)}
		first, err := c.List(t.Context(), out)
		if err != nil || len(first.Texts) != pageSize || first.Next == "" || first.Texts[0].Status.State != "delivered" {
			t.Fatalf("%d texts on the first page, next %q, %v", len(first.Texts), first.Next, err)
		}
		out.Next = first.Next
		second, err := c.List(t.Context(), out)
		if err != nil || len(second.Texts) != 1 || second.Next != "" || second.Texts[0].SID == first.Texts[pageSize-1].SID {
			t.Fatalf("%d texts on the second page, next %q, %v", len(second.Texts), second.Next, err)
		}
		in, err := c.List(t.Context(), gateway.Query{Inbound: true, Ours: short, Since: time.Now().Add(-2 * time.Hour)})
		if err != nil || len(in.Texts) == 0 {
			t.Fatalf("%d texts came in, %v", len(in.Texts), err)
		}
		pictures := 0
		for _, l := range in.Texts {
			m, err := c.Whole(t.Context(), l)
			if err != nil || m.SID != l.SID || len(m.Media) != l.Media {
				t.Fatalf("%+v, %v", m, err)
			}
			pictures += l.Media
		}
		if pictures == 0 {
			t.Fatal("no picture came")
		}
		if none, err := c.List(t.Context(), gateway.Query{Inbound: true, Ours: short, Since: time.Now().Add(24 * time.Hour)}); err != nil || len(none.Texts) > 0 {
			t.Fatalf("%d texts of tomorrow, %v", len(none.Texts), err)
		}
	})
}
