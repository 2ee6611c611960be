package storetest

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"befree.example/store"
)

func TestMain(m *testing.M) {
	if os.Getenv(mutantEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// inMemory is the place of a log in memory.
func inMemory(*testing.T) func() Log {
	m := Memory()
	return func() Log {
		m = m.Reopen()
		return m
	}
}

func TestMemory(t *testing.T) { TestLog(t, inMemory) }

func TestFailingWhenNotTold(t *testing.T) {
	TestLog(t, func(t *testing.T) func() Log {
		open := inMemory(t)
		return func() Log {
			m := open()
			return struct {
				store.Log
				closer
			}{Failing(m), closer{m}}
		}
	})
}

type closer struct{ log Log }

func (c closer) Close() error { return c.log.Close() }
