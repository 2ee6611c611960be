package storetest

import (
	"context"
	"errors"
	"testing"

	"befree.example/store"
)

var errDisk = errors.New("disk is full")

func TestFailing(t *testing.T) {
	ctx := t.Context()
	f := Failing(Memory())
	kept := func(id string) bool {
		_, err := f.Find(ctx, id)
		return err == nil
	}
	f.FailAppend(errDisk)
	if _, err := f.Append(ctx, Sample("before", "", 0)); !errors.Is(err, errDisk) || kept("before") {
		t.Errorf("told to fail before adding: %v, kept %t", err, kept("before"))
	}
	f.FailAfterAppend(errDisk)
	if _, err := f.Append(ctx, Sample("after", "", 0)); !errors.Is(err, errDisk) || !kept("after") {
		t.Errorf("told to fail after adding: %v, kept %t", err, kept("after"))
	}
	f.FailAppend(errDisk)
	f.Mend()
	if last, err := f.Append(ctx, Sample("mended", "", 0)); err != nil || last != 2 {
		t.Errorf("mended: %d, %v", last, err)
	}
	f.Break(errDisk)
	for range 2 {
		if _, err := f.Append(ctx, Sample("x", "", 0)); !errors.Is(err, store.ErrBroken) || !errors.Is(err, errDisk) {
			t.Errorf("broken: %v", err)
		}
	}
	if kept("x") || !kept("mended") {
		t.Error("a broken log added an event, or could not be read")
	}
}

func TestFailingReads(t *testing.T) {
	ctx := t.Context()
	f := Failing(Memory())
	for range 3 {
		f.FailRead(errDisk)
	}
	_, _, read := f.Read(ctx, store.Position{}, 1)
	_, conversation := f.Conversation(ctx, "a")
	_, found := f.Find(ctx, "a")
	if !errors.Is(read, errDisk) || !errors.Is(conversation, errDisk) || !errors.Is(found, errDisk) {
		t.Errorf("told to fail: %v, %v, %v", read, conversation, found)
	}
	if _, _, err := f.Read(ctx, store.Position{}, 1); err != nil {
		t.Errorf("not told to fail: %v", err)
	}
}

func TestFailingHold(t *testing.T) {
	f := Failing(Memory())
	release := f.Hold()
	result := make(chan error, 2)
	add := func(ctx context.Context, id string) {
		_, err := f.Append(ctx, Sample(id, "", 0))
		result <- err
	}
	impatient, end := context.WithCancel(t.Context())
	go add(impatient, "impatient")
	if err := f.AwaitHeld(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	end()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("who would not wait heard %v", err)
	}
	go add(t.Context(), "patient")
	if err := f.AwaitHeld(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Find(t.Context(), "patient"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("while held: %v", err)
	}
	release()
	if err := <-result; err != nil {
		t.Error(err)
	}
}
