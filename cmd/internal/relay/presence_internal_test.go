package relay

import (
	"sync/atomic"
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// turns is an Enrolment in which somebody has another role whenever it is read; the first who reads is slow.
type turns struct {
	Enrolment
	reads atomic.Int64
}

var turned = []desk.Role{desk.Supervisor, desk.Reviewer}

func (e *turns) Read() (Staff, error) {
	n := e.reads.Add(1) - 1
	if n == 0 {
		time.Sleep(50 * time.Millisecond)
	}
	return Staff{Members: []Member{{Name: "sue", Role: turned[n], Devices: []Device{{ID: "aaaaaaaaaaaaaaaa"}}}}}, nil
}

// TestNoOlderStaffComesBack: who is slow in reading who is on the staff does not put that in the place of what is so since.
func TestNoOlderStaffComesBack(t *testing.T) {
	d, err := NewDesk(t.Context(), storetest.Memory(), desk.Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &turns{}
	l := &Line{desk: d, enrolment: e}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = l.staff()
	}()
	for e.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := l.staff(); err != nil {
		t.Fatal(err)
	}
	<-done
	d.View(func(s *desk.State) {
		if s.Staff["sue"] != desk.Reviewer {
			t.Errorf("she is %q now", s.Staff["sue"])
		}
	})
}
