package relay

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pelletier/go-toml/v2"

	"befree.example/store/desk"
)

//go:embed retention.toml
var retentionDefaults []byte

// RetentionFile is the file that befree comes with.
func RetentionFile() []byte { return retentionDefaults }

// Retention is how long everything is kept.
type Retention struct {
	desk.Retention
	Backups time.Duration // how old a backup may become; the next one drops those that are older
}

const (
	day      = 24 * time.Hour
	mostDays = 36500
)

// LoadRetention reads a retention file; without a path it is the one that befree comes with. What the file leaves out has
// its default.
func LoadRetention(path string) (Retention, error) {
	var file struct {
		Days struct{ Numbers, Text, Notes, Plans, Facts, Backups int }
	}
	if err := toml.Unmarshal(retentionDefaults, &file); err != nil {
		return Retention{}, fmt.Errorf("the retention that befree comes with: %w", err)
	}
	if path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return Retention{}, fmt.Errorf("--retention: %w", err)
		}
		if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&file); err != nil {
			return Retention{}, fmt.Errorf("--retention %s: %w", path, tomlTrouble(err))
		}
	}
	d := file.Days
	r := Retention{Backups: days(d.Backups)}
	for _, c := range []struct {
		name string
		days int
		to   *time.Duration
	}{
		{"numbers", d.Numbers, &r.Numbers},
		{"text", d.Text, &r.Text},
		{"notes", d.Notes, &r.Notes},
		{"plans", d.Plans, &r.Plans},
		{"facts", d.Facts, &r.Facts},
		{"backups", d.Backups, &r.Backups},
	} {
		if c.days < 1 || c.days > mostDays {
			return r, fmt.Errorf("--retention: %s = %d: write a number of days from 1 to %d", c.name, c.days, mostDays)
		}
		if *c.to = days(c.days); c.name != "backups" && *c.to > days(d.Facts) {
			return r, errors.New("--retention: nothing can be kept longer than the facts; raise facts or lower " + c.name)
		}
	}
	return r, nil
}

// RetentionOf returns what is in force in the relay that serves a data folder; where none does, what a file says. told is
// false if nobody and nothing says so: then it is what befree comes with, and the relay may keep to another.
func RetentionOf(ctx context.Context, dir, path string) (r Retention, told bool, err error) {
	err = ask(ctx, dir, "retention", func(in io.Reader) error { return json.NewDecoder(in).Decode(&r) })
	if errors.Is(err, errNobody) {
		r, err = LoadRetention(path)
		return r, path != "", err
	}
	return r, true, err
}

// Hand hands on r.
func (r Retention) Hand(_ context.Context, w io.Writer) error { return json.NewEncoder(w).Encode(r) }

func days(n int) time.Duration { return time.Duration(n) * day }
