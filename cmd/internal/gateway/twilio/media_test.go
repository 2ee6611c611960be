package twilio_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

// TestFetch: a file comes from the API with the account's secret, and from where the API points without it; nothing is
// asked of anybody else.
func TestFetch(t *testing.T) {
	picture := bytes.Repeat([]byte("picture "), 1000)
	var told atomic.Int32
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, secret := r.BasicAuth(); secret || r.Header.Get("Authorization") != "" {
			told.Add(1)
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(picture)
	}))
	defer cdn.Close()
	var asked atomic.Int32
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if user, password, _ := r.BasicAuth(); user != twiliotest.Account || password != twiliotest.Token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/here":
			w.Header().Set("Content-Type", "image/jpeg")
			_, _ = w.Write(picture)
		case "/there":
			http.Redirect(w, r, cdn.URL+"/file", http.StatusTemporaryRedirect)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/file-scheme":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, gateway.MaxMedia+1))
		case "/largest":
			_, _ = w.Write(make([]byte, gateway.MaxMedia))
		case "/short":
			w.Header().Set("Content-Length", "9000")
			_, _ = w.Write(picture)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer api.Close()
	c := carrier(t, func(c *twilio.Config) { c.API = api.URL })
	for path, want := range map[string]struct {
		kind string
		size int
		err  error
	}{
		api.URL + "/here":               {"image/jpeg", len(picture), nil},
		api.URL + "/there":              {"image/png", len(picture), nil},
		api.URL + "/largest":            {"application/octet-stream", gateway.MaxMedia, nil},
		api.URL + "/large":              {"", 0, gateway.ErrMediaLarge},
		api.URL + "/gone":               {"", 0, gateway.ErrMediaGone},
		api.URL + "/broken":             {"", 0, gateway.ErrMediaNow},
		api.URL + "/short":              {"", 0, gateway.ErrMediaNow},
		api.URL + "/round":              {"", 0, gateway.ErrMediaNow},
		api.URL + "/file-scheme":        {"", 0, gateway.ErrMediaFar},
		cdn.URL + "/file":               {"", 0, gateway.ErrMediaFar},
		"http://169.254.169.254/latest": {"", 0, gateway.ErrMediaFar},
		"file:///etc/passwd":            {"", 0, gateway.ErrMediaFar},
		":":                             {"", 0, gateway.ErrMediaFar},
		strings.Replace(api.URL, "//", "//a:b@", 1): {"", 0, gateway.ErrMediaFar},
	} {
		data, kind, err := c.Fetch(t.Context(), gateway.Media{URL: path})
		if !errors.Is(err, want.err) || kind != want.kind || len(data) != want.size {
			t.Errorf("%s: %d bytes of %q, %v", path, len(data), kind, err)
		}
	}
	if told.Load() > 0 {
		t.Error("the account's secret went to another host")
	}
	if n := asked.Load(); n != 11 { // eight paths, and /round three times
		t.Errorf("the API was asked %d times", n)
	}
}
