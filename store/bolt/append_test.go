package bolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
	"befree.example/store/storetest"
)

// An idleLog has no committer: the test plays it.
type idleLog struct{ *Log }

func newIdleLog(t *testing.T) idleLog {
	t.Helper()
	l, err := openIdle(filepath.Join(t.TempDir(), "befree.log"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.db.Close() })
	return idleLog{l}
}

// begin starts an Append, waits until it waits, and returns where its result will be.
func (l idleLog) begin(ctx context.Context, es ...store.Event) *result {
	r := &result{last: 99}
	go func() { r.last, r.err = l.Append(ctx, es...) }()
	synctest.Wait()
	return r
}

// commits is how many transactions were ever committed.
func (l idleLog) commits(t *testing.T) (n int) {
	t.Helper()
	err := l.db.View(func(tx *bbolt.Tx) error {
		n = tx.ID()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneCommitForAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		refused := map[int]error{3: store.ErrConflict, 7: store.ErrDuplicate, 19: store.ErrConflict}
		var results []*result
		for i := range 20 {
			e := storetest.Sample(fmt.Sprint(i), "", 0)
			switch i {
			case 3:
				e.Conversation, e.Prev = "x", 9
			case 7:
				e.ID = "0" // rests on another call of the same batch
			case 19:
				e.Prev = 1
			}
			results = append(results, l.begin(t.Context(), e))
		}
		before := l.commits(t)
		l.commit(l.queue.take())
		synctest.Wait()
		if n := l.commits(t) - before; n != 1 {
			t.Errorf("%d commits, want 1", n)
		}
		for i, r := range results {
			if !errors.Is(r.err, refused[i]) {
				t.Errorf("append %d: %v, want %v", i, r.err, refused[i])
			}
		}
		if head := l.head.seq(); head != 17 || results[18].last != 17 {
			t.Errorf("head is %d and the last append got %d, want 17", head, results[18].last)
		}
		mustVerify(t, l.Log)
	})
}

func TestRefusalsAloneCommitNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		before := l.commits(t)
		r := l.begin(t.Context(), storetest.Sample("a", "a", 9))
		l.commit(l.queue.take())
		synctest.Wait()
		if n := l.commits(t) - before; n != 0 || !errors.Is(r.err, store.ErrConflict) {
			t.Errorf("%d commits, %v", n, r.err)
		}
	})
}

func TestContextEndsWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		ctx, cancel := context.WithCancel(t.Context())
		impatient := l.begin(ctx, storetest.Sample("impatient", "", 0))
		patient := l.begin(t.Context(), storetest.Sample("patient", "", 0))
		cancel()
		synctest.Wait()
		l.commit(l.queue.take())
		synctest.Wait()
		if !errors.Is(impatient.err, context.Canceled) || patient.err != nil {
			t.Errorf("impatient: %v, patient: %v", impatient.err, patient.err)
		}
		if _, err := l.Find(t.Context(), "impatient"); !errors.Is(err, store.ErrNotFound) || patient.last != 1 {
			t.Errorf("an append that left the queue was added: %v", err)
		}
	})
}

func TestContextEndsWhileWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		ctx, cancel := context.WithCancel(t.Context())
		r := l.begin(ctx, storetest.Sample("a", "", 0))
		batch := l.queue.take()
		cancel()
		synctest.Wait()
		if !errors.Is(r.err, context.Canceled) {
			t.Errorf("a disk that hangs keeps its caller: %v", r.err)
		}
		l.commit(batch)
		if _, err := l.Find(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	})
}

// TestAloneOneWritesHimself: without the committer, if he waits to the end anyway and nobody else writes or waits.
func TestAloneOneWritesHimself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		if r := l.begin(context.Background(), storetest.Sample("alone", "", 0)); r.last != 1 || r.err != nil {
			t.Errorf("alone: %d, %v", r.last, r.err)
		}
		if !l.queue.enter() {
			t.Fatal("who has written keeps others out")
		}
		beside := l.begin(context.Background(), storetest.Sample("beside", "", 0))
		go l.commitAll()
		synctest.Wait()
		if beside.last != 99 {
			t.Error("two write at once")
		}
		l.queue.done()
		synctest.Wait()
		if beside.last != 2 || beside.err != nil {
			t.Errorf("beside: %d, %v", beside.last, beside.err)
		}
		l.queue.close()
		<-l.ended
	})
}

func TestCloseWaitsForWhoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		go l.commitAll()
		if !l.queue.enter() {
			t.Fatal("nobody else writes")
		}
		l.queue.close()
		synctest.Wait()
		select {
		case <-l.ended:
			t.Error("closed while somebody writes")
		default:
		}
		l.queue.done()
		<-l.ended
		if l.queue.enter() {
			t.Error("a closed log lets somebody write")
		}
	})
}

func TestCloseAnswersTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		waiting := l.begin(t.Context(), storetest.Sample("a", "", 0))
		changed := l.Changed(0)
		go l.commitAll()
		l.queue.close()
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if waiting.err != nil && !errors.Is(waiting.err, store.ErrClosed) {
			t.Errorf("who waited heard %v", waiting.err)
		}
		<-changed
		<-l.Changed(7)
	})
}

func TestQueueTakesUpToALimit(t *testing.T) {
	sizes := func(q *queue) (sizes []int) {
		for _, c := range q.take() {
			sizes = append(sizes, len(c.entries))
		}
		q.done()
		return sizes
	}
	for _, c := range []struct {
		calls []int
		want  string
	}{
		{[]int{1}, "[1]"},
		{[]int{1000, 24}, "[1000 24]"},
		{[]int{1000, 25, 3}, "[1000] [25 3]"},
		{[]int{2000, 1}, "[2000] [1]"},
		{[]int{1, 2000, 1}, "[1] [2000] [1]"},
		{[]int{0, 1024, 1}, "[0 1024] [1]"},
	} {
		q := newQueue(false)
		for _, n := range c.calls {
			if err := q.push(&call{entries: make([]entry, n)}); err != nil {
				t.Fatal(err)
			}
		}
		got := ""
		for len(q.calls) > 0 {
			got += fmt.Sprint(" ", sizes(q))
		}
		if got != " "+c.want {
			t.Errorf("calls of %v events are taken as%s, want %s", c.calls, got, c.want)
		}
	}
}

// TestBrokenUntilOpenedAgain: a log whose commit failed says so to everybody, those included that waited.
func TestBrokenUntilOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newIdleLog(t)
		l.begin(t.Context(), storetest.Sample("kept", "a", 0))
		l.commit(l.queue.take())
		large := storetest.Sample("first", "a", 1)
		large.Body = make([]byte, 1<<20)
		first := l.begin(t.Context(), large)
		conflict := l.begin(t.Context(), storetest.Sample("conflict", "a", 1))
		batch := l.queue.take()
		waiting := l.begin(t.Context(), storetest.Sample("waiting", "", 0))
		breakCommits(t, l.db)
		l.commit(batch)
		synctest.Wait()
		later := l.begin(t.Context(), storetest.Sample("later", "", 0))
		for who, r := range map[string]*result{"first": first, "conflict": conflict, "waiting": waiting, "later": later} {
			if !errors.Is(r.err, store.ErrBroken) || !errors.Is(r.err, bberrors.ErrMaxSizeReached) {
				t.Errorf("%s heard %v, want ErrBroken and its cause", who, r.err)
			}
		}
		es, head, err := l.Read(t.Context(), store.Position{}, 10)
		if err != nil || len(es) != 1 || head.Seq != 1 {
			t.Errorf("read of a broken log: %d events, head %d, %v", len(es), head.Seq, err)
		}
		if _, err := l.Find(t.Context(), "kept"); err != nil {
			t.Error(err)
		}
	})
}

// breakCommits makes every commit fail that needs more room than the file has.
func breakCommits(t *testing.T, db *bbolt.DB) {
	t.Helper()
	db.MaxSize = 1
}

// TestUnacknowledgedIsNotRead: what a failing commit has left in the file, perhaps whole, is not there for readers.
func TestUnacknowledgedIsNotRead(t *testing.T) {
	l := newLog(t)
	mustAppend(t, l, storetest.Sample("a1", "a", 0))
	c, err := new(Log).newCall([]store.Event{storetest.Sample("a2", "a", 1), storetest.Sample("b3", "b", 0)})
	if err != nil {
		t.Fatal(err)
	}
	var r result
	err = l.db.Update(func(tx *bbolt.Tx) error { return l.writer(tx, 1).add(c, &r) }) // the head stays where it is
	if err != nil || r.err != nil || r.last != 3 {
		t.Fatal(err, r)
	}
	es, head, err := l.Read(t.Context(), store.Position{}, 10)
	if err != nil || len(es) != 1 || head.Seq != 1 {
		t.Errorf("read: %d events, head %d, %v", len(es), head.Seq, err)
	}
	for conversation, want := range map[string]int{"a": 1, "b": 0} {
		if es, err := l.Conversation(t.Context(), conversation); err != nil || len(es) != want {
			t.Errorf("conversation %s: %d events, %v, want %d", conversation, len(es), err, want)
		}
	}
	if _, err := l.Find(t.Context(), "a2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("find: %v, want ErrNotFound", err)
	}
}
