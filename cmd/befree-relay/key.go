package main

import (
	"fmt"

	"befree.example/cmd/internal/config"
	"befree.example/store/seal"
)

type keyCmd struct{}

// Run prints a new master key, which is nobody's yet.
func (keyCmd) Run(std *config.Std) error {
	_, err := fmt.Fprintln(std.Out, seal.NewMaster().Reveal())
	return err
}
