// Package searchbench measures a search of the sealed cache beside SQLite's FTS5 over the same texts in the clear. It is
// a module of its own, so that befree itself does not carry SQLite. Run it by
//
//	cd store/bolt/searchbench && go test -bench . -benchtime 20x
package searchbench

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/seal"
	"befree.example/store/search"
	"befree.example/store/sms/smstest"
)

const most = 200

// queries are looked for as beginnings of words, by both.
var queries = []string{"tangerine", "nandu", "h", "hab", "bathroom window", "carretera tangerine", "nobody"}

func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		texts := smstest.Talk(n)
		b.Run(fmt.Sprint(n, "/befree"), func(b *testing.B) { befree(b, texts) })
		b.Run(fmt.Sprint(n, "/sqlite"), func(b *testing.B) { sqlite(b, texts) })
	}
}

// befree unseals the words once, as a console does in the background after it was unlocked.
func befree(b *testing.B, texts []string) {
	path := filepath.Join(b.TempDir(), "cache.db")
	c, err := bolt.OpenCache(path, bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("secret"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1},
		ClassOf: func(store.Kind) store.Class { return store.Text },
		WordsOf: func(e store.Event) []string { return []string{string(e.Body)} },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	var es []store.Event
	for i, text := range texts {
		e := store.Event{
			Seq: uint64(i + 1), ID: fmt.Sprintf("SM%032d", i), Conversation: fmt.Sprintf("%026d", i/20), Kind: "received",
			Actor: store.Texter, At: time.Unix(int64(i), 0), Body: []byte(text), BodyHash: store.Hash{1},
		}
		if i%20 > 0 {
			e.Prev = e.Seq - 1
		}
		if es = append(es, e); len(es) == 5000 || i == len(texts)-1 {
			if err := c.Receive(es...); err != nil {
				b.Fatal(err)
			}
			es = es[:0]
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			c.Unprepare()
			if _, err := c.Search(search.Parse("tangerine"), most); err != nil {
				b.Fatal(err)
			}
		}
		size(b, path)
	})
	for _, query := range queries {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				es, err := c.Search(search.Parse(query), most)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(es)), "found")
			}
		})
	}
}

// sqlite has the texts in the clear, in a table with an index by FTS5 that folds accents, and joins what it finds with
// them, the newest first.
func sqlite(b *testing.B, texts []string) {
	path := filepath.Join(b.TempDir(), "clear.db")
	db := open(b, path)
	defer func() { db.Close() }()
	must := func(_ sql.Result, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(db.Exec(`CREATE TABLE texts (seq INTEGER PRIMARY KEY, conversation TEXT, at INTEGER, text TEXT)`))
	must(db.Exec(`CREATE VIRTUAL TABLE words USING fts5(text, content='texts', content_rowid='seq', tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')`))
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for i, text := range texts {
		must(tx.Exec(`INSERT INTO texts VALUES (?, ?, ?, ?)`, i+1, fmt.Sprintf("%026d", i/20), i, text))
	}
	must(tx.Exec(`INSERT INTO words(words) VALUES ('rebuild')`))
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			db.Close()
			db = open(b, path)
			ask(b, db, "tangerine")
		}
		size(b, path)
	})
	for _, query := range queries {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(ask(b, db, query)), "found")
			}
		})
	}
}

func open(b *testing.B, path string) *sql.DB {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

func ask(b *testing.B, db *sql.DB, query string) (n int) {
	match := ""
	for _, w := range strings.Fields(query) {
		match += `"` + w + `"* `
	}
	rows, err := db.Query(`SELECT t.seq, t.conversation, t.at, t.text FROM words JOIN texts t ON t.seq = words.rowid WHERE words MATCH ? ORDER BY words.rowid DESC LIMIT ?`, match, most)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq, at int
		var conversation, text string
		if err := rows.Scan(&seq, &conversation, &at, &text); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}

func size(b *testing.B, path string) {
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "MB-file")
}
