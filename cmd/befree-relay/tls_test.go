package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/acme"

	"befree.example/cmd/internal/relay"
)

// An authority is asked for the one name that was set, and for no other that somebody connects with.
func TestAuthorityIsAskedForOneName(t *testing.T) {
	var asked atomic.Int64
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "not today", http.StatusForbidden)
	}))
	defer directory.Close()
	data := filepath.Join(t.TempDir(), "data")
	var conf relay.Config
	if err := (&tlsFlags{ACME: "relay.example.org", ACMEDirectory: directory.URL}).secure(data, &conf); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(conf.TLS.NextProtos, acme.ALPNProto) || slices.Contains(conf.TLS.NextProtos, "h2") || conf.TLS.MinVersion != tls.VersionTLS12 {
		t.Fatalf("%v", conf.TLS.NextProtos)
	}
	shake := func(name string) error {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			_ = tls.Server(there, conf.TLS).HandshakeContext(t.Context())
		}()
		defer here.Close()
		return tls.Client(here, &tls.Config{ServerName: name, InsecureSkipVerify: true}).HandshakeContext(t.Context()) //nolint:gosec // looks at nothing
	}
	if err := shake("other.example.org"); err == nil || asked.Load() != 0 {
		t.Fatalf("%v, asked %d times", err, asked.Load())
	}
	if err := shake("relay.example.org"); err == nil || asked.Load() == 0 {
		t.Fatalf("%v, asked %d times", err, asked.Load())
	}
	if left, err := filepath.Glob(filepath.Join(data, "*acme*")); err != nil || len(left) > 0 {
		t.Fatalf("secrets in the data folder: %v, %v", left, err)
	}
}
