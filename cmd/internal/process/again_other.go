//go:build !unix

package process

import (
	"errors"
	"os"
)

// Renews tells whether Again can be done here.
const Renews = false

// Again is not possible here.
func Again(string, *os.File, ...*os.File) error { return errors.ErrUnsupported }

// Inherited gives none.
func Inherited(string) []*os.File { return nil }
