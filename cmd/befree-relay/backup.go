package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
)

type backupCmd struct {
	dataFlags
	keepFlags
	To     string `help:"Folder to make, with the sealed log and the settings. Backups of this relay beside it that have become too old are deleted." placeholder:"DIR" required:""`
	KeysTo string `help:"Folder to make, with the wrapped keys: keep it apart from the other. Old ones beside it are deleted too." placeholder:"DIR" required:""`
}

// Help says what becomes of older backups.
func (c *backupCmd) Help() string {
	return "Keep backups of one sort in one folder: --to logs/$(date +%F) --keys-to keys/$(date +%F). Once the new one is complete, " +
		"those beside it that are older than the retention file's backups are deleted, the keys first, so that what was forgotten is gone " +
		"from there too. Only what this befree made for this relay is, and never the newest; each is named. " +
		"Where no relay serves the folder and --retention names no file, none is. Nor is any where all others are so much older than the new one: " +
		"the clock may have leapt. If it is right, the next backup deletes them. " +
		"The master key is in no backup and opens all of them: what is gone is gone by its wrapped keys."
}

// Run copies a data folder, whether a relay serves it or not, and drops copies that have become too old.
func (c *backupCmd) Run(ctx context.Context, std *config.Std) error {
	kept, told, err := relay.RetentionOf(ctx, c.Data, c.Retention)
	if err != nil {
		return err
	}
	place := relay.Place{Log: c.To, Keys: c.KeysTo}
	title, err := relay.Backup(ctx, c.Data, c.key(), place)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "%d events are in %s, the keys that they are sealed under in %s.\n"+
		"They are what the relay signed. Keep the two apart, and a copy of the master key apart from both.\n", title.Size, c.To, c.KeysTo)
	if !told {
		fmt.Fprintln(std.Out, "No older backup was deleted: no relay serves this folder and says how long they are kept. Name its file with --retention.")
		return nil
	}
	dropped, err := relay.DropOld(c.Data, place, kept.Backups)
	for _, path := range dropped.Gone {
		fmt.Fprintf(std.Out, "Deleted, since it was older than %d days or never finished: %s\n", int(kept.Backups.Hours()/24), path)
	}
	for _, path := range dropped.Emptied {
		fmt.Fprintf(std.Out, "Emptied, since it was older than %d days, of all but what somebody else has put there: %s\n", int(kept.Backups.Hours()/24), path)
	}
	for _, path := range dropped.Others {
		fmt.Fprintf(std.Out, "Left alone, since it is no backup that befree made for this relay: %s\n", path)
	}
	return err
}

type restoreCmd struct {
	dataFlags
	From     string `help:"Folder that backup made of the log." placeholder:"DIR" required:""`
	KeysFrom string `help:"Folder that backup made of the keys." placeholder:"DIR" required:""`
	Lacking  bool   `help:"Restore though keys of some conversations are lacking: what they open stays unreadable."`
}

// Run puts a backup in the place of what is there.
func (c *restoreCmd) Run(ctx context.Context, std *config.Std) error {
	head, err := relay.Restore(ctx, relay.Place{Log: c.From, Keys: c.KeysFrom}, c.Data, c.key(), c.Lacking)
	if errors.Is(err, relay.ErrKeysLacking) {
		return fmt.Errorf("%w; nothing was touched. Take the keys of the log's own backup; if these were destroyed on purpose since, say --lacking", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "%s holds the %d events of the backup, each read over. What was there before is in a folder of it called before-...: "+
		"it opens what is forgotten, so delete it once it is not needed.\nWho is on the staff is as it was here; where there was no staff file it is as in the backup: "+
		"revoke again what was revoked since.\n"+
		"The log has a new epoch: every console sets its copy of the old one aside, keeps what was written there, says so, and tells how many events are gone.\n", c.Data, head.Seq)
	return nil
}

type compactCmd struct{ dataFlags }

// Run makes the files no larger than they must be.
func (c *compactCmd) Run(ctx context.Context, std *config.Std) error {
	before := size(c.Data)
	if err := relay.Compact(ctx, c.Data, c.key()); err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "%s has %d KB and had %d; every event was read over.\n", c.Data, size(c.Data)>>10, before>>10)
	return nil
}

func size(dir string) (n int64) {
	for _, name := range []string{"log.db", "keys.db"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			n += info.Size()
		}
	}
	return n
}

type rescueCmd struct{ dataFlags }

// Run saves what can be read of a damaged log.
func (c *rescueCmd) Run(ctx context.Context, std *config.Std) error {
	lost, head, loose, err := relay.Rescue(ctx, c.Data, c.key())
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "%s holds %d events again. The damaged files are in a folder of it called before-...\n", c.Data, head.Seq-uint64(len(lost)))
	if loose {
		fmt.Fprintln(std.Out, "The log's name is lost, so that nobody can tell whether somebody changed when and by whom they were; their words are as they were sealed.")
	}
	if len(lost) > 0 {
		fmt.Fprintf(std.Out, "%d could not be read; in the place of each stands that it is lost: %s.\nIf a backup has them, restore that.\n", len(lost), ranges(lost))
	}
	return nil
}

// ranges writes numbers in order as 3, 7-9.
func ranges(ns []uint64) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		part := strconv.FormatUint(ns[i], 10)
		if j > i {
			part += "-" + strconv.FormatUint(ns[j], 10)
		}
		parts, i = append(parts, part), j+1
	}
	return strings.Join(parts, ", ")
}

// errBoth is a mistake in the command line.
var errBoth = errors.New("--proof is verified without a log: leave --data and --since away")
