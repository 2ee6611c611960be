// Command befree-relay is the relay behind the line: it takes texts from the carrier, keeps them, feeds the consoles
// and sends what specialists answer.
package main

import (
	_ "time/tzdata" // safe hours need every zone on every machine

	"befree.example/cmd/internal/config"
)

type cli struct {
	config.Own

	Serve   serveCmd   `cmd:"" help:"Serve the carrier and the consoles."`
	Staff   staffCmd   `cmd:"" help:"Say who may sign in."`
	Key     keyCmd     `cmd:"" help:"Print a new master key, to be kept where --key-command finds it."`
	Events  eventsCmd  `cmd:"" help:"Print the log, one JSON object a line."`
	Audit   auditCmd   `cmd:"" help:"Say who read, searched, exported or had forgotten what, when and why, and who was on the staff as what."`
	Verify  verifyCmd  `cmd:"" help:"Tell whether the log is what was appended to it, or a proof holds; print a checkpoint to keep."`
	Prove   proveCmd   `cmd:"" help:"Print a proof, which verifies without the log, that a conversation's events are in it."`
	Backup  backupCmd  `cmd:"" help:"Copy the data folder, also while the relay serves."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the place of the data folder's files."`
	Compact compactCmd `cmd:"" help:"Write the files anew without what was deleted."`
	Rescue  rescueCmd  `cmd:"" help:"Save what can be read of a damaged log."`
	Receipt receiptCmd `cmd:"" help:"Say what became of a conversation that was forgotten, and what remains."`
	Privacy privacyCmd `cmd:"" help:"Print what texters are told at /privacy."`
	Explain explainCmd `cmd:"" help:"Say what befree makes of texts: one JSON string a line in, one JSON object a line out."`
}

func main() { config.Main("befree-relay", "The relay behind the line.", &cli{}) }
