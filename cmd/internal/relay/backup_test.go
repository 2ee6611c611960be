package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
)

func init() {
	parts["backup"] = func(args []string) {
		_, err := relay.Backup(context.Background(), args[0], relay.KeyFile(args[0]), relay.Place{Log: args[1], Keys: args[2]})
		report(err)
	}
	parts["restore"] = func(args []string) {
		_, err := relay.Restore(context.Background(), relay.Place{Log: args[1], Keys: args[2]}, args[0], relay.KeyFile(args[0]), false)
		report(err)
	}
	parts["compact"] = func(args []string) { report(relay.Compact(context.Background(), args[0], relay.KeyFile(args[0]))) }
}

func report(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// whole reads all of a data folder's log, found whole.
func whole(t testing.TB, dir string, key relay.Key) (es []store.Event, epoch string) {
	t.Helper()
	d, err := relay.OpenData(context.Background(), dir, key)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Verify(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	es, head, err := d.Read(context.Background(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return es, head.Epoch
}

// TestBackupUnderLoad: what is restored is a beginning of the log, whole, and has all that was acknowledged before the
// backup was asked for; nobody who appends meanwhile waits for it to end.
func TestBackupUnderLoad(t *testing.T) {
	v := openVault(t)
	c, err := v.open.OpenControl(relay.Retention{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		v.carrier.text(t, fmt.Sprint("SMbefore", n), "he took my papers")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var acked atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; n++ {
			v.carrier.text(t, fmt.Sprint("SMmeanwhile", n), "and my phone")
			acked.Add(1)
		}
	}()
	var sizes []uint64
	for n := range 5 {
		before := 200 + acked.Load()
		place := relay.Place{Log: filepath.Join(v.dir, fmt.Sprint("log", n)), Keys: filepath.Join(v.dir, fmt.Sprint("keys", n))}
		title, err := relay.Backup(t.Context(), v.data, v.key(), place)
		if err != nil || int64(title.Size) < before {
			t.Fatalf("%d events of %d: %v", title.Size, before, err)
		}
		sizes = append(sizes, title.Size)
	}
	cancel()
	<-done
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	v.shut()
	all, epoch := whole(t, v.data, v.key())
	for n, size := range sizes {
		place := relay.Place{Log: filepath.Join(v.dir, fmt.Sprint("log", n)), Keys: filepath.Join(v.dir, fmt.Sprint("keys", n))}
		dir := filepath.Join(v.dir, fmt.Sprint("restored", n))
		if _, err := relay.Restore(t.Context(), place, dir, v.key(), false); err != nil {
			t.Fatal(err)
		}
		got, restored := whole(t, dir, v.key())
		if diff := cmp.Diff(all[:size], got, cmp.Comparer(func(a, b store.Hash) bool { return a == b })); diff != "" || restored == epoch {
			t.Errorf("%d events are no beginning of the log:\n%s", size, diff)
		}
		private(t, dir)
		private(t, place.Log)
		private(t, place.Keys)
	}
}

// TestBackupOfNothing: before the first text came, too, a relay can be backed up and restored, and takes texts then.
func TestBackupOfNothing(t *testing.T) {
	dir := t.TempDir()
	data, to := filepath.Join(dir, "data"), filepath.Join(dir, "restored")
	if es, _ := whole(t, data, relay.KeyFile(data)); len(es) > 0 {
		t.Fatalf("a new log has %d events", len(es))
	}
	place := relay.Place{Log: filepath.Join(dir, "log"), Keys: filepath.Join(dir, "keys")}
	if _, err := relay.Backup(t.Context(), data, relay.KeyFile(data), place); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.Restore(t.Context(), place, to, relay.KeyFile(data), false); err != nil {
		t.Fatal(err)
	}
	d, err := relay.OpenData(t.Context(), to, relay.KeyFile(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := startDesk(t, d).Do(t.Context(), inbound("SM1")); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if es, _ := whole(t, to, relay.KeyFile(data)); len(es) != 1 {
		t.Errorf("%d events", len(es))
	}
}

// private tells whether everything in a folder is its owner's alone.
func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestBackupKeepsTheKeysApart(t *testing.T) {
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	v.shut()
	for _, p := range []relay.Place{
		{Log: filepath.Join(v.dir, "b"), Keys: filepath.Join(v.dir, "b")},
		{Log: filepath.Join(v.dir, "b"), Keys: filepath.Join(v.dir, "b", "keys")},
		{Log: filepath.Join(v.dir, "b", "log"), Keys: filepath.Join(v.dir, "b")},
		{Log: v.data, Keys: filepath.Join(v.dir, "k")},
	} {
		if _, err := relay.Backup(t.Context(), v.data, v.key(), p); err == nil {
			t.Errorf("backup to %+v", p)
		}
	}
	p := relay.Place{Log: filepath.Join(v.dir, "log"), Keys: filepath.Join(v.dir, "keys")}
	if _, err := relay.Backup(t.Context(), v.data, v.key(), p); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(p.Log, "*keys*")); len(names) > 0 {
		t.Errorf("%v lie with the log", names)
	}
	if _, err := relay.Backup(t.Context(), v.data, v.key(), p); err == nil {
		t.Error("a backup was written over another")
	}
}

// TestControlIsPrivate: the socket is its owner's alone, is gone when the relay is, and one that a dead relay left does
// not stand in the way.
func TestControlIsPrivate(t *testing.T) {
	v := openVault(t)
	path := filepath.Join(v.data, "control.sock")
	c, err := v.open.OpenControl(relay.Retention{Backups: 40 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if kept, told, err := relay.RetentionOf(t.Context(), v.data, ""); err != nil || !told || kept.Backups != 40*24*time.Hour {
		t.Errorf("it tells of %v, %t, %v", kept, told, err)
	}
	if _, err := relay.Restore(t.Context(), relay.Place{Log: "none", Keys: "none"}, v.data, v.key(), false); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("restore under a relay that serves: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket is left behind")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = v.open.OpenControl(relay.Retention{}); err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestKilled: backup, restore and compact, killed at any moment, leave a data folder that opens whole: with what it
// held, or with all of what it was to hold. A backup that has its name is whole.
func TestKilled(t *testing.T) {
	v := newVault(t)
	d, err := relay.OpenData(t.Context(), v.data, v.key())
	if err != nil {
		t.Fatal(err)
	}
	fill(t, d, 1200)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	old := relay.Place{Log: filepath.Join(v.dir, "old", "log"), Keys: filepath.Join(v.dir, "old", "keys")}
	if _, err := relay.Backup(t.Context(), v.data, v.key(), old); err != nil {
		t.Fatal(err)
	}
	v.start()
	for n := range 10 {
		v.carrier.text(t, fmt.Sprint("SMnew", n), "and my phone")
	}
	v.shut()
	want, epoch := whole(t, v.data, v.key())
	finished, most := map[string]int{}, map[string]time.Duration{}
	for round := range 27 {
		role := []string{"backup", "restore", "compact"}[round%3]
		args := []string{v.data, old.Log, old.Keys}
		if role == "backup" {
			args[1], args[2] = filepath.Join(v.dir, fmt.Sprint("log", round)), filepath.Join(v.dir, fmt.Sprint("keys", round))
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Env = append(os.Environ(), roleEnv+"="+role)
		cmd.Stderr = os.Stderr
		began := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		life := patience // the first of each comes to its end
		if round >= 3 {
			life = rand.N(most[role])
		}
		select { // somewhere in what it takes
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", role, err)
			}
			finished[role]++
			most[role] = time.Since(began)
		case <-time.After(life):
			cmd.Process.Kill()
			err := <-ended
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Errorf("%s after %v: %v", role, time.Since(began), err)
			}
			if err == nil {
				finished[role]++
			}
		}
		got, now := whole(t, v.data, v.key())
		switch {
		case now == epoch && len(got) == len(want):
		case role == "restore" && now != epoch && len(got) == 1200:
			epoch, want = now, got
		default:
			t.Fatalf("after %s the log has %d events of %d", role, len(got), len(want))
		}
		if role == "backup" {
			checkBackup(t, v, relay.Place{Log: args[1], Keys: args[2]}, round)
		}
	}
	t.Logf("of 9 each came to their end: %v", finished)
}

// checkBackup restores a backup that has its name.
func checkBackup(t *testing.T, v *vault, p relay.Place, round int) {
	t.Helper()
	if _, err := os.Stat(p.Log); err != nil {
		return
	}
	dir := filepath.Join(v.dir, "check"+strconv.Itoa(round))
	if _, err := relay.Restore(t.Context(), p, dir, v.key(), false); err != nil {
		t.Errorf("a backup that has its name: %v", err)
	}
}

// TestRestoreIsFinished: from the moment at which it is ready a restore is finished by whoever opens the folder,
// wherever it was broken off.
// TestRestoreBringsNobodyBack: who was revoked since the backup stays out; what was there before is known for what it is.
func TestRestoreBringsNobodyBack(t *testing.T) {
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	v.shut()
	staff, p := relay.StaffIn(v.data), relay.Place{Log: filepath.Join(v.dir, "log"), Keys: filepath.Join(v.dir, "keys")}
	if _, err := staff.Add("ada", desk.Supervisor); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.Backup(t.Context(), v.data, v.key(), p); err != nil {
		t.Fatal(err)
	}
	if err := staff.SetRole("ada", desk.Reviewer); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(v.dir, "fresh")
	for dir, role := range map[string]desk.Role{v.data: desk.Reviewer, fresh: desk.Supervisor} {
		if _, err := relay.Restore(t.Context(), p, dir, v.key(), false); err != nil {
			t.Fatal(err)
		}
		m, err := relay.StaffIn(dir).Members()
		if err != nil || len(m) != 1 || m[0].Role != role {
			t.Errorf("%s has %v, %v; want a %s", dir, m, err, role)
		}
	}
	for dir, n := range map[string]int{v.data: 1, fresh: 0} {
		if aside, err := relay.Aside(dir); err != nil || len(aside) != n {
			t.Errorf("put aside in %s: %q, %v; want %d", dir, aside, err, n)
		}
	}
}

func TestRestoreIsFinished(t *testing.T) {
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	v.shut()
	p := relay.Place{Log: filepath.Join(v.dir, "log"), Keys: filepath.Join(v.dir, "keys")}
	title, err := relay.Backup(t.Context(), v.data, v.key(), p)
	if err != nil {
		t.Fatal(err)
	}
	for moved := range 5 {
		dir := filepath.Join(v.dir, fmt.Sprint("data", moved))
		if _, err := relay.Restore(t.Context(), p, dir, v.key(), false); err != nil {
			t.Fatal(err)
		}
		_, before := whole(t, dir, v.key())
		ready := filepath.Join(dir, "restore.ready")
		fresh := filepath.Join(v.dir, fmt.Sprint("fresh", moved))
		if _, err := relay.Restore(t.Context(), p, fresh, v.key(), false); err != nil {
			t.Fatal(err)
		}
		_, want := whole(t, fresh, v.key())
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(os.Mkdir(ready, 0o700))
		must(os.WriteFile(filepath.Join(ready, "aside"), []byte("before-x"), 0o600))
		for _, name := range []string{"keys.db", "log.db"} {
			must(os.Rename(filepath.Join(fresh, name), filepath.Join(ready, name)))
		}
		must(os.Mkdir(filepath.Join(dir, "before-x"), 0o700))
		steps := []func() error{
			func() error {
				return os.Rename(filepath.Join(dir, "keys.db"), filepath.Join(dir, "before-x", "keys.db"))
			},
			func() error { return os.Rename(filepath.Join(ready, "keys.db"), filepath.Join(dir, "keys.db")) },
			func() error { return os.Rename(filepath.Join(dir, "log.db"), filepath.Join(dir, "before-x", "log.db")) },
			func() error { return os.Rename(filepath.Join(ready, "log.db"), filepath.Join(dir, "log.db")) },
		}
		for _, step := range steps[:moved] {
			must(step())
		}
		if es, now := whole(t, dir, v.key()); now != want || now == before || uint64(len(es)) != title.Size {
			t.Errorf("broken off after %d steps: %d events", moved, len(es))
		}
		if _, err := os.Stat(filepath.Join(dir, "before-x", "log.db")); err != nil {
			t.Errorf("the old log is gone: %v", err)
		}
		if _, err := os.Stat(ready); err == nil {
			t.Error("the restore is still ready")
		}
	}
}

// TestKilledCopiesOfTheKeysGo: what looked at a served folder, or made a restore ready, and was killed has left a copy with
// the keys, which no forgetting reaches; it is deleted when the folder is opened to be served.
func TestKilledCopiesOfTheKeysGo(t *testing.T) {
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	control, err := v.open.OpenControl(relay.Retention{})
	if err != nil {
		t.Fatal(err)
	}
	look, served, err := relay.Look(t.Context(), v.data, v.key())
	if err != nil || !served {
		t.Fatal(served, err)
	}
	copied := filepath.Dir(keysIn(t, v.data)[0])
	for _, left := range []string{copied + "0", filepath.Join(v.data, "restore.new")} {
		if err := os.CopyFS(left, os.DirFS(copied)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(look.Close(), control.Close()); err != nil {
		t.Fatal(err)
	}
	v.shut()
	if n := len(keysIn(t, v.data)); n != 3 {
		t.Fatalf("there are %d copies of the keys", n)
	}
	data, err := relay.OpenData(t.Context(), v.data, v.key())
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if left := keysIn(t, v.data); !slices.Equal(left, []string{filepath.Join(v.data, "keys.db")}) || data.Left != nil {
		t.Errorf("the folder was opened again, and the keys are in %v: %v", left, data.Left)
	}
}

// keysIn lists the files of keys in a folder and those within it.
func keysIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Base(path) == "keys.db" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestRescue: a relay starts on what could be saved, folds it, and a console sees that it lacks something.
func TestRescue(t *testing.T) {
	v := openVault(t)
	ada := v.enter("ada", desk.Specialist)
	for n := range 60 {
		v.carrier.text(t, fmt.Sprint("SM", n), "he took my papers")
	}
	ada.leave()
	v.shut()
	path := filepath.Join(v.data, "log.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page, hit := os.Getpagesize(), 0
	for at := 2 * page; at < len(raw); at += page {
		if raw[at+8] == 2 && raw[at+9] == 0 { // a leaf
			if hit++; hit%5 == 2 {
				clear(raw[at : at+page])
			}
		}
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.OpenData(t.Context(), v.data, v.key()); !errors.Is(err, store.ErrDamaged) {
		t.Fatal(err)
	}
	lost, head, loose, err := relay.Rescue(t.Context(), v.data, v.key())
	if err != nil || head.Seq < 50 || loose {
		t.Fatal(lost, head, loose, err)
	}
	t.Logf("%d of %d lost", len(lost), head.Seq)
	v.start()
	ada = v.back("ada", desk.Specialist)
	ada.until("the alarm", func() bool { return ada.Status().Alarm.What != "" })
	for n := range 60 {
		v.carrier.text(t, fmt.Sprint("SM", n), "he took my papers") // brought again: known where its ID was saved
	}
}

// TestKeysOfAnotherDay: a log whose keys are not all there is not called whole, nor restored unless somebody says so.
func TestKeysOfAnotherDay(t *testing.T) {
	v := openVault(t)
	at := func(name string) relay.Place {
		return relay.Place{Log: filepath.Join(v.dir, name, "log"), Keys: filepath.Join(v.dir, name, "keys")}
	}
	backup := func(name string) {
		t.Helper()
		v.shut()
		if err := os.Mkdir(filepath.Join(v.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := relay.Backup(t.Context(), v.data, v.key(), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	v.enter("ada", desk.Specialist)
	backup("early")
	v.start()
	v.carrier.text(t, "SM1", "he took my papers")
	backup("late")
	mixed := relay.Place{Log: at("late").Log, Keys: at("early").Keys}
	dir := filepath.Join(v.dir, "restored")
	if _, err := relay.Restore(t.Context(), mixed, dir, v.key(), false); !errors.Is(err, relay.ErrKeysLacking) {
		t.Fatalf("a log with the keys of another day: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "log.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was put there: %v", err)
	}
	if _, err := relay.Restore(t.Context(), mixed, dir, v.key(), true); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]error{dir: relay.ErrKeysLacking, v.data: nil} {
		d, err := relay.ReadData(t.Context(), dir, v.key())
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Verify(t.Context(), nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", dir, err, want)
		}
		d.Close()
	}
}
