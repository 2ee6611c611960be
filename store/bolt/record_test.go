package bolt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"befree.example/store"
	"befree.example/store/storetest"
)

// TestRecordAsWritten holds a record as the first version wrote it, to be readable for ever. Its checksum was computed
// by an independent program.
func TestRecordAsWritten(t *testing.T) {
	const written = "" +
		"ab026466756c6c036161041b1898d6d1949b3a060563616e6106646e6f746507a9016468696768026265730364303134" +
		"37046468656c7005826b64616e67657220776f72646466756c6c0662626f07687265662d66756c6c086473656e740919" +
		"7533086c2b313230323535353031343709527b2274657874223a22c3a92066756c6c227d0a5820070000000000000000" +
		"00000000000000000000000000000000000000000000090b582001020000000000000000000000000000000000000000" +
		"000000000000000000030cf501d4102d"
	data, err := hex.DecodeString(written)
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Seq, want.Head.Late = 7, 0 // which it did not have
	got, err := decode(data, 7)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	again, err := withRoom(want)
	sign(again, 7)
	if !bytes.Equal(again, data) || err != nil {
		t.Errorf("is written otherwise now: %x, %v", again, err)
	}
	if _, err := decode(data, 8); !errors.Is(err, errChecksum) {
		t.Errorf("record at another place: %v", err)
	}
}

func TestEveryChangedByteOfARecordIsSeen(t *testing.T) {
	data, err := withRoom(full())
	if err != nil {
		t.Fatal(err)
	}
	sign(data, 7)
	for i := range data {
		data[i] ^= 0x10
		if _, err := decode(data, 7); !errors.Is(err, errChecksum) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		data[i] ^= 0x10
	}
}

// FuzzDecode: whatever stands in a record, with a right checksum, is an event or an error, and an event is written back
// as it was read.
func FuzzDecode(f *testing.F) {
	for _, e := range []store.Event{{}, {ID: "a"}, storetest.Sample("a", "b", 3), full()} {
		data, err := withRoom(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-sumSize], uint64(1))
	}
	f.Add([]byte{0xa1, 10, 0x41, 0}, uint64(1)) // a hash of one byte
	f.Add([]byte{0xbf}, uint64(1))
	f.Fuzz(func(t *testing.T, record []byte, seq uint64) {
		data := append(bytes.Clone(record), make([]byte, sumSize)...)
		sign(data, seq)
		e, err := decode(data, seq)
		if err != nil {
			return
		}
		again, err := withRoom(e)
		if err != nil {
			t.Fatal(err)
		}
		sign(again, seq)
		got, err := decode(again, seq)
		if diff := cmp.Diff(e, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestTarget(t *testing.T) {
	value := pointer([]byte("key"), 7)
	if seq, err := target([]byte("key"), value); seq != 7 || err != nil {
		t.Errorf("%d, %v", seq, err)
	}
	for name, c := range map[string]struct {
		key   string
		value []byte
	}{
		"another key": {"kez", value},
		"cut short":   {"key", value[:11]},
		"nothing":     {"key", nil},
		"changed":     {"key", pointer([]byte("kez"), 7)},
	} {
		if _, err := target([]byte(c.key), c.value); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
