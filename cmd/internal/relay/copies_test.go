package relay_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/relay"
)

// age makes the folder of a backup so much older.
func age(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	path := filepath.Join(dir, "backup.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{}
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatal(err)
	}
	made, err := time.Parse(time.RFC3339, said["made"].(string))
	if err != nil {
		t.Fatal(err)
	}
	said["made"] = made.Add(-by)
	if raw, err = json.Marshal(said); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// TestOldBackupsAreDropped: a new backup has those beside it dropped that are of the same relay and too old, the log and
// the keys, and nothing else: not another relay's, not what befree did not make, not what somebody put there too.
func TestOldBackupsAreDropped(t *testing.T) {
	const keep = 30 * 24 * time.Hour
	v, other := openVault(t), openVault(t)
	for _, v := range []*vault{v, other} {
		v.carrier.text(t, "SM1", "he took my papers")
		v.shut()
	}
	if err := os.WriteFile(filepath.Join(v.data, "staff.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	logs, keys, elsewhere := filepath.Join(v.dir, "logs"), filepath.Join(v.dir, "keys"), filepath.Join(v.dir, "elsewhere")
	back := func(v *vault, name string, old time.Duration) relay.Place {
		t.Helper()
		p := relay.Place{Log: filepath.Join(logs, name), Keys: filepath.Join(keys, name)}
		if _, err := relay.Backup(t.Context(), v.data, v.key(), p); err != nil {
			t.Fatal(err)
		}
		age(t, p.Log, old)
		age(t, p.Keys, old)
		return p
	}
	for _, name := range []string{"ancient", "crowded", "old"} {
		back(v, name, keep+time.Hour)
	}
	back(v, "young", keep-time.Hour)
	back(other, "other", keep+time.Hour)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(keys, "old", "keys.db.pid"), []byte("1"), 0o600)) // as a crash leaves it
	must(os.WriteFile(filepath.Join(logs, "crowded", "why.txt"), []byte("asked for by a judge"), 0o600))
	must(os.MkdirAll(elsewhere, 0o700))
	must(os.Rename(filepath.Join(keys, "ancient"), filepath.Join(elsewhere, "ancient")))
	must(os.Symlink(filepath.Join(elsewhere, "ancient"), filepath.Join(keys, "ancient")))
	must(os.CopyFS(filepath.Join(logs, "by hand"), os.DirFS(filepath.Join(logs, "young"))))
	must(os.Remove(filepath.Join(logs, "by hand", "backup.json")))

	newest := back(v, "new", 0)
	got, err := relay.DropOld(v.data, newest, keep)
	if err != nil {
		t.Fatal(err)
	}
	want := relay.Dropped{
		Gone:    []string{filepath.Join(keys, "crowded"), filepath.Join(keys, "old"), filepath.Join(logs, "ancient"), filepath.Join(logs, "old")},
		Emptied: []string{filepath.Join(logs, "crowded")},
		Others:  []string{filepath.Join(keys, "other"), filepath.Join(logs, "by hand"), filepath.Join(logs, "other")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, path := range got.Gone {
		if there(path) {
			t.Errorf("%s is still there", path)
		}
	}
	for path, is := range map[string]bool{
		"logs/crowded/why.txt": true, "logs/crowded/log.db": false, "logs/crowded/staff.toml": false, "elsewhere/ancient/keys.db": true,
		"logs/by hand/log.db": true, "logs/other/log.db": true, "keys/other/keys.db": true, "logs/young/log.db": true, "keys/young/keys.db": true,
		"logs/new/log.db": true, "keys/new/keys.db": true,
	} {
		if there(filepath.Join(v.dir, filepath.FromSlash(path))) != is {
			t.Errorf("%s is there: %t", path, !is)
		}
	}
	if _, err := relay.Restore(t.Context(), newest, filepath.Join(v.dir, "restored"), v.key(), false); err != nil {
		t.Error(err)
	}

	for _, dir := range []string{newest.Log, newest.Keys} {
		age(t, dir, -keep)
	}
	if got, err := relay.DropOld(v.data, newest, keep); err == nil || !strings.Contains(err.Error(), "clock may have leapt") || len(got.Gone) > 0 {
		t.Errorf("of a clock that has leapt: %v, %v", got.Gone, err)
	}
	for _, dir := range []string{newest.Log, newest.Keys} {
		age(t, dir, 10*keep)
	}
	if got, err := relay.DropOld(v.data, newest, keep); err != nil || len(got.Gone) > 0 {
		t.Errorf("without a newer one: %v, %v", got.Gone, err)
	}
}

// TestDataFolderIsNoOldBackup: a data folder that was put back from a backup by hand is never taken for an old one, however
// it is named, nor is another one, which may be in use.
func TestDataFolderIsNoOldBackup(t *testing.T) {
	const keep = 30 * 24 * time.Hour
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	v.shut()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	back := func(data, name string) relay.Place {
		t.Helper()
		p := relay.Place{Log: at(name), Keys: at("keys/" + name)}
		if _, err := relay.Backup(t.Context(), data, v.key(), p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"data", "other", "served", "old"} {
		p := back(v.data, name)
		age(t, p.Log, keep+time.Hour)
		age(t, p.Keys, keep+time.Hour)
		if name == "data" || name == "other" {
			must(os.Rename(filepath.Join(p.Keys, "keys.db"), filepath.Join(p.Log, "keys.db")))
		}
	}
	must(os.WriteFile(at("served/control.sock"), nil, 0o600))
	back(v.data, "young")
	t.Chdir(root)
	dropped, err := relay.DropOld("data", back("data", "new"), keep)
	must(err)
	if want := []string{at("other"), at("served")}; !slices.Equal(dropped.Others, want) {
		t.Errorf("left alone are %v", dropped.Others)
	}
	for name, is := range map[string]bool{
		"data/log.db": true, "data/keys.db": true, "data/backup.json": true, "other/log.db": true, "other/keys.db": true,
		"served/log.db": true, "old/log.db": false,
	} {
		if there(at(name)) != is {
			t.Errorf("%s is there: %t", name, !is)
		}
	}
}

// TestKilledBackups: what a backup that was killed has left, keys among it, is known until it is deleted, which the first
// one a day later does. It is no younger backup that would speak for the clock.
func TestKilledBackups(t *testing.T) {
	const keep = 30 * 24 * time.Hour
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	v.shut()
	at := func(name string) string { return filepath.Join(v.dir, filepath.FromSlash(name)) }
	back := func(name string, old time.Duration) relay.Place {
		t.Helper()
		p := relay.Place{Log: at("logs/" + name), Keys: at("keys/" + name)}
		if _, err := relay.Backup(t.Context(), v.data, v.key(), p); err != nil {
			t.Fatal(err)
		}
		age(t, p.Log, old)
		age(t, p.Keys, old)
		return p
	}
	for name, old := range map[string]time.Duration{"killed": 25 * time.Hour, "making": 23 * time.Hour} {
		p := back(name, old)
		for _, dir := range []string{p.Log, p.Keys} {
			if err := os.Rename(dir, filepath.Join(filepath.Dir(dir), "."+name+".new-1")); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, err := os.ReadFile(v.data + ".backups")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.data+".backups", regexp.MustCompile(`"Made":"20`).ReplaceAll(list, []byte(`"Made":"19`)), 0o600); err != nil {
		t.Fatal(err)
	}
	knows := func(want ...string) {
		t.Helper()
		copies, err := relay.Copies(v.data)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range copies {
			got = append(got, filepath.Base(c.Keys))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("befree knows of %v", got)
		}
	}
	knows("killed", "making")
	dropped, err := relay.DropOld(v.data, back("new", 0), keep)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{at("keys/.killed.new-1"), at("logs/.killed.new-1")}; !slices.Equal(dropped.Gone, want) || there(want[0]) || there(want[1]) {
		t.Errorf("deleted: %v", dropped.Gone)
	}
	knows("making", "new")
	back("old", keep+time.Hour)
	if _, err := relay.DropOld(v.data, relay.Place{Log: at("logs/new"), Keys: at("keys/new")}, keep); err == nil || !there(at("keys/old/keys.db")) {
		t.Errorf("what is unfinished speaks for the clock: %v", err)
	}
}

// TestBackupsThatAreGone: befree knows of each backup until it sees that the keys are not there, whoever deleted them; it
// does not take for gone what is still being made, or what lies on a disk that is not there.
func TestBackupsThatAreGone(t *testing.T) {
	v := openVault(t)
	v.carrier.text(t, "SM1", "he took my papers")
	v.shut()
	at := func(name string) string { return filepath.Join(v.dir, filepath.FromSlash(name)) }
	for _, name := range []string{"keys/young", "keys/crowded", "keys/deleted", "keys/moved", "keys/there", "disk/away", "far/off"} {
		if _, err := relay.Backup(t.Context(), v.data, v.key(), relay.Place{Log: at("logs/" + filepath.Base(name)), Keys: at(name)}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadFile(v.data + ".backups")
	if err != nil {
		t.Fatal(err)
	}
	young, rest, _ := strings.Cut(string(list), "\n")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(v.data+".backups", []byte(young+"\n"+regexp.MustCompile(`"Made":"20`).ReplaceAllString(rest, `"Made":"19`)), 0o600))
	must(os.WriteFile(at("keys/crowded/why.txt"), []byte("asked for by a judge"), 0o600))
	must(os.Remove(at("keys/crowded/keys.db")))
	must(os.RemoveAll(at("keys/young")))
	must(os.RemoveAll(at("keys/deleted")))
	must(os.Rename(at("keys/moved"), at("moved")))
	must(os.Symlink(at("moved"), at("keys/moved")))
	must(os.Rename(at("moved"), at("moved on")))
	must(os.RemoveAll(at("disk/away")))
	must(os.RemoveAll(at("far")))
	knows := func(want ...string) {
		t.Helper()
		copies, err := relay.Copies(v.data)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range copies {
			if c.Events == 0 {
				t.Errorf("it does not know how long the log in %s is", c.Log)
			}
			got = append(got, filepath.Base(c.Keys))
		}
		if !slices.Equal(got, want) {
			t.Errorf("befree knows of %v", got)
		}
	}
	knows("young", "moved", "there", "away", "off")
	if _, err := relay.Backup(t.Context(), v.data, v.key(), relay.Place{Log: at("logs/new"), Keys: at("far/new")}); err != nil {
		t.Fatal(err)
	}
	knows("young", "moved", "there", "away", "new")
}
