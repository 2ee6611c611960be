package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/tree"
)

type verifyCmd struct {
	Data       string `help:"The relay's data folder." placeholder:"DIR"`
	KeyFile    string `help:"The master key; default beside the data folder: DIR.key." placeholder:"FILE"`
	KeyCommand string `help:"Command that prints the master key, instead of a file." placeholder:"COMMAND"`
	Since      string `help:"A checkpoint that verify printed earlier, or a console keeps: tell whether the log goes on from it, and read only what is newer." placeholder:"FILE"`
	Proof      string `help:"A file that prove made: tell whether it holds. Needs nothing else." placeholder:"FILE"`
	RelayKey   string `help:"What the relay signs with, as verify prints it; a proof or checkpoint under another key is refused." placeholder:"KEY"`
}

// Run verifies a log, and prints a checkpoint to keep; or a proof.
func (c *verifyCmd) Run(ctx context.Context, std *config.Std) error {
	switch {
	case c.Proof != "" && (c.Data != "" || c.Since != ""):
		return errBoth
	case c.Proof != "":
		return c.proof(std)
	case c.Data == "":
		return errors.New("name a data folder with --data, or a proof with --proof")
	}
	data, served, err := relay.Look(ctx, c.Data, dataFlags{c.Data, c.KeyFile, c.KeyCommand}.key())
	if err != nil {
		return advised(err)
	}
	defer data.Close()
	now, signed, err := data.Tree().Checkpoint()
	if err != nil {
		return err
	}
	since, err := c.since(data.Tree().Key(), now)
	if err != nil {
		return err
	}
	if err := data.Verify(ctx, since); err != nil {
		return advised(err)
	}
	fmt.Fprintln(std.Err, verified(now, since))
	if served {
		fmt.Fprintln(std.Err, "A relay serves this folder: what it handed out was verified. The pages of its file are looked over when it starts.")
	}
	fmt.Fprintf(std.Err, "The relay signs with %s\nKeep what follows where nobody who can write to the data folder can: verify --since tells whether the log goes on from it.\n", data.Tree().Key())
	_, err = std.Out.Write(signed)
	return err
}

func verified(now tree.Checkpoint, since *tree.State) string {
	if since == nil {
		return fmt.Sprintf("Whole: all %d events are as they were appended, in order, and nothing is missing between them.", now.Size)
	}
	return fmt.Sprintf("Whole: the log goes on from the checkpoint at event %d, and the %d events since are as they were appended.", since.Size, now.Size-since.Size)
}

// since reads the checkpoint that was kept.
func (c *verifyCmd) since(key tree.Key, now tree.Checkpoint) (*tree.State, error) {
	if c.Since == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.Since)
	if err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	if c.RelayKey != "" && key != tree.Key(c.RelayKey) {
		return nil, fmt.Errorf("the log is signed with %s, and not with the key that was given", key)
	}
	kept, err := tree.Open(raw, key)
	if err != nil {
		return nil, fmt.Errorf("--since %s: %w", c.Since, err)
	}
	if !now.Follows(kept.State) {
		return nil, fmt.Errorf("%w: it was called %s at the checkpoint and goes on from no log of that name now", tree.ErrRewritten, kept.Epoch)
	}
	return &kept.State, nil
}

// advised says what to do about a damaged log.
func advised(err error) error {
	if errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("%w, or save what can be read of it with befree-relay rescue", err)
	}
	return err
}

func (c *verifyCmd) proof(std *config.Std) error {
	raw, err := os.ReadFile(c.Proof)
	if err != nil {
		return fmt.Errorf("--proof: %w", err)
	}
	p, at, err := tree.OpenProof(raw)
	if err != nil {
		return fmt.Errorf("%s does not hold: %w", c.Proof, err)
	}
	if c.RelayKey != "" && p.Key != tree.Key(c.RelayKey) {
		return fmt.Errorf("%s is signed with %s, and not with the key that was given", c.Proof, p.Key)
	}
	fmt.Fprintf(std.Out, "Holds: conversation %s had these %d events, and none besides, when the log had %d:\n", p.Conversation, len(p.Events), at.Size)
	for _, e := range p.Events {
		fmt.Fprintf(std.Out, "%8d  %s  %-16s %s\n", e.Seq, e.At.Format("2006-01-02 15:04:05"), e.Actor, e.Kind)
	}
	if c.RelayKey == "" {
		fmt.Fprintf(std.Out, "It is signed with %s\nCompare that with what verify says at the relay, or give it by --relay-key.\n", p.Key)
	}
	return nil
}

type proveCmd struct {
	dataFlags
	Conversation string `help:"Its ID, as events and audit print it." placeholder:"ID" required:""`
}

// Run prints a proof that a conversation's events are in the log.
func (c *proveCmd) Run(ctx context.Context, std *config.Std) error {
	data, _, err := relay.Look(ctx, c.Data, c.key())
	if err != nil {
		return advised(err)
	}
	defer data.Close()
	p, err := data.Prove(ctx, c.Conversation)
	if err != nil {
		return err
	}
	raw, err := p.Encode()
	if err != nil {
		return err
	}
	_, err = std.Out.Write(raw)
	return err
}
