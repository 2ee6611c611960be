package seal_test

import (
	"path/filepath"
	"testing"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/seal"
	"befree.example/store/storetest"
)

// A sealedFile is a sealed log in a file, as the relay has it.
type sealedFile struct {
	*seal.Log
	file *bolt.Log
	keys *bolt.Keys
}

func (s sealedFile) Close() error {
	if err := s.file.Close(); err != nil {
		return err
	}
	return s.keys.Close()
}

// A sealed log is a log like any other: it passes the same exam, kinds of unknown classes included.
func TestSealedLogPassesTheExam(t *testing.T) {
	storetest.TestLog(t, func(t *testing.T) func() storetest.Log {
		dir, master := t.TempDir(), seal.NewMaster()
		var s sealedFile
		end := func() {
			if s.file != nil {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		t.Cleanup(end)
		return func() storetest.Log {
			end()
			var err error
			if s.file, err = bolt.Open(filepath.Join(dir, "log.db"), bolt.Options{}); err != nil {
				t.Fatal(err)
			}
			if s.keys, err = bolt.OpenKeys(filepath.Join(dir, "keys.db")); err != nil {
				t.Fatal(err)
			}
			s.Log = seal.NewLog(s.file, seal.NewRing(master, s.keys, func(store.Kind) store.Class { return store.Text }))
			return s
		}
	})
}
