package twilio_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

type vector struct {
	Name, Token, URL, Signature string
	Params                      map[string]string
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	raw, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		tb.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(raw, &vs); err != nil || len(vs) < 7 {
		tb.Fatalf("%d vectors, %v", len(vs), err)
	}
	return append(vs, published...)
}

// published stand in the tests of Twilio's own library for Go.
var published = []vector{
	{
		Name: "order of names", Token: "12345", URL: "https://mycompany.com/myapp.php?foo=1&bar=2", Signature: "vOEb5UThFn24KEfnOFLQY2AE5FY=",
		Params: map[string]string{
			"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309", "To": "+18005551212",
			"Reason": "Participant", "ReasonConferenceEnded": "test",
		},
	},
	{
		Name: "two parameters", Token: "12345", URL: "https://mycompany.com/myapp.php?foo=1&bar=2", Signature: "NBdBDr/T/lgjI+tlgpXjKZQZs/k=",
		Params: map[string]string{"property": "value", "boolean": "true"},
	},
}

// split cuts a URL into what is configured and what stands in the request.
func split(address string) (public, target string) {
	at := strings.Index(address[len("https://"):], "/") + len("https://")
	return address[:at], address[at:]
}

func (v vector) form() url.Values {
	f := url.Values{}
	for name, value := range v.Params {
		f.Set(name, value)
	}
	return f
}

// status posts a form, signed with a vector's signature, to a carrier set up for it.
func (v vector) status(t *testing.T, f url.Values, target string, change ...func(*twilio.Config)) int {
	t.Helper()
	public, _ := split(v.URL)
	c := carrier(t, append([]func(*twilio.Config){func(c *twilio.Config) {
		c.PublicURL, c.Tokens = public, []string{v.Token}
	}}, change...)...)
	return serve(c.SMS(&desk{}), request(target, f, v.Signature)).Code
}

// A voice call's vector is signed but no text: 400 tells it from a wrong signature.
func (v vector) wants() int {
	if v.Params["MessageSid"] != "" && v.Params["From"] != "" {
		return http.StatusOK
	}
	return http.StatusBadRequest
}

func TestVectorsAreTaken(t *testing.T) {
	for _, v := range vectors(t) {
		_, target := split(v.URL)
		if got := v.status(t, v.form(), target); got != v.wants() {
			t.Errorf("%s: %d, want %d", v.Name, got, v.wants())
		}
		if got := twiliotest.Sign(v.Token, v.URL, v.form()); got != v.Signature {
			t.Errorf("%s: the stand-in signs %s", v.Name, got)
		}
	}
}

func TestChangedVectorsAreRefused(t *testing.T) {
	type change func(t *testing.T, v vector, f url.Values, target string) int
	with := func(f func(*twilio.Config)) change {
		return func(t *testing.T, v vector, form url.Values, target string) int { return v.status(t, form, target, f) }
	}
	changes := map[string]change{
		"wrong token":  with(func(c *twilio.Config) { c.Tokens = []string{"12346", "another"} }),
		"other host":   with(func(c *twilio.Config) { c.PublicURL = "https://evil.example.org" }),
		"other port":   with(func(c *twilio.Config) { c.PublicURL = "https://relay.example.org:9443" }),
		"plain http":   with(func(c *twilio.Config) { c.PublicURL = "http://localhost" }),
		"prefix":       with(func(c *twilio.Config) { c.PublicURL += "/befree" }),
		"longer path":  func(t *testing.T, v vector, f url.Values, target string) int { return v.status(t, f, "/x"+target) },
		"longer query": func(t *testing.T, v vector, f url.Values, target string) int { return v.status(t, f, target+"&x=1") },
		"no query":     func(t *testing.T, v vector, f url.Values, target string) int { return v.status(t, f, cut(target)) },
		"added parameter": func(t *testing.T, v vector, f url.Values, target string) int {
			f.Set("Zz", "")
			return v.status(t, f, target)
		},
		"repeated parameter": func(t *testing.T, v vector, f url.Values, target string) int {
			f.Add(first(f), "other")
			return v.status(t, f, target)
		},
		"missing parameter": func(t *testing.T, v vector, f url.Values, target string) int {
			delete(f, first(f))
			return v.status(t, f, target)
		},
		"changed parameter": func(t *testing.T, v vector, f url.Values, target string) int {
			f.Set(first(f), f.Get(first(f))+" ")
			return v.status(t, f, target)
		},
		"no signature": func(t *testing.T, v vector, f url.Values, target string) int {
			v.Signature = ""
			return v.status(t, f, target)
		},
		"cut signature": func(t *testing.T, v vector, f url.Values, target string) int {
			v.Signature = v.Signature[:len(v.Signature)-1]
			return v.status(t, f, target)
		},
	}
	for _, v := range vectors(t) {
		_, target := split(v.URL)
		for name, c := range changes {
			if name == "no query" && cut(target) == target {
				continue
			}
			if got := c(t, v, v.form(), target); got != http.StatusForbidden {
				t.Errorf("%s, %s: %d", v.Name, name, got)
			}
		}
	}
}

func cut(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

func first(f url.Values) string {
	name := ""
	for n := range maps.Keys(f) {
		if name == "" || n < name {
			name = n
		}
	}
	return name
}

func TestPortCannotBeDropped(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Name == "port kept" {
			got := v.status(t, v.form(), "/twilio/sms", func(c *twilio.Config) { c.PublicURL = base })
			if got != http.StatusForbidden {
				t.Fatal(got)
			}
			return
		}
	}
	t.Fatal("no vector with a port")
}

// A caller may write into Host and into what proxies add whatever it likes.
func TestHostOfTheRequestSaysNothing(t *testing.T) {
	for _, host := range []string{"relay.example.org", "evil.example.org", "127.0.0.1:8233"} {
		r := signed("/twilio/sms", form())
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "evil.example.org")
		r.Header.Set("X-Forwarded-Path", "/x")
		if w := serve(carrier(t).SMS(&desk{}), r); w.Code != http.StatusOK {
			t.Errorf("%s: %d", host, w.Code)
		}
		r = request("/twilio/sms", form(), twiliotest.Sign(twiliotest.Token, "https://evil.example.org/twilio/sms", form()))
		r.Host = "evil.example.org"
		if w := serve(carrier(t).SMS(&desk{}), r); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
}

func TestOnlyOneSignatureIsTaken(t *testing.T) {
	r := signed("/twilio/sms", form())
	r.Header.Add("X-Twilio-Signature", "x")
	if w := serve(carrier(t).SMS(&desk{}), r); w.Code != http.StatusForbidden {
		t.Fatal(w.Code)
	}
}

func TestTokensRotate(t *testing.T) {
	both := carrier(t, func(c *twilio.Config) { c.Tokens = []string{"new", twiliotest.Token} })
	for token, want := range map[string]int{"new": 200, twiliotest.Token: 200, "older": 403} {
		r := request("/twilio/sms", form(), twiliotest.Sign(token, base+"/twilio/sms", form()))
		if w := serve(both.SMS(&desk{}), r); w.Code != want {
			t.Errorf("%s: %d", token, w.Code)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for public, signedAs := range map[string]string{
		base + "/":            base,
		base + "/befree":      base + "/befree",
		base + ":8443/a%2Fb/": base + ":8443/a%2Fb",
		"https://me:secret@relay.example.org#rc=5": base,
		"http://127.0.0.1:8233":                    "http://127.0.0.1:8233",
		"http://[::1]:8233":                        "http://[::1]:8233",
	} {
		c := carrier(t, func(c *twilio.Config) { c.PublicURL = public })
		r := request("/twilio/sms?x=%2f&&y", form(), twiliotest.Sign(twiliotest.Token, signedAs+"/twilio/sms?x=%2f&&y", form()))
		if w := serve(c.SMS(&desk{}), r); w.Code != http.StatusOK {
			t.Errorf("%s: %d", public, w.Code)
		}
	}
}

func TestRepeatedParameterIsSignedWithAllItsValues(t *testing.T) {
	f := form()
	f["Extra"] = []string{"b", "a", "b"}
	d := &desk{}
	if w := serve(carrier(t).SMS(d), signed("/twilio/sms", f)); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	firstOnly := form("Extra", "b")
	r := request("/twilio/sms", f, twiliotest.Sign(twiliotest.Token, base+"/twilio/sms", firstOnly))
	if w := serve(carrier(t).SMS(d), r); w.Code != http.StatusForbidden {
		t.Fatal(w.Code)
	}
}

// Twilio signs a JSON body by its hash in the query. The vector is Twilio's; that it is signed shows in 415, not 403.
func TestJSONIsSignedByItsHash(t *testing.T) {
	const (
		sum    = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
		body   = `{"property": "value", "boolean": true}`
		target = "/myapp.php?foo=1&bar=2&bodySHA256="
	)
	c := carrier(t, func(c *twilio.Config) { c.PublicURL, c.Tokens = "https://mycompany.com", []string{"12345"} })
	for name, v := range map[string]struct {
		target, body string
		want         int
	}{
		"right":      {target + sum, body, http.StatusUnsupportedMediaType},
		"other body": {target + sum, body + " ", http.StatusForbidden},
		"other hash": {target + strings.Repeat("0", 64), body, http.StatusForbidden},
		"no hash":    {"/myapp.php?foo=1&bar=2", body, http.StatusForbidden},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, v.target, strings.NewReader(v.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Twilio-Signature", "a9nBmqA0ju/hNViExpshrM61xv4=")
		if w := serve(c.SMS(&desk{}), r); w.Code != v.want {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// Whatever Twilio signs is taken; after any single change it is not.
func TestSignThenVerify(t *testing.T) {
	c := carrier(t)
	name := rapid.StringMatching(`[A-Za-z0-9_é ]{1,12}`)
	value := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		f := form()
		for n, vs := range rapid.MapOfN(name, rapid.SliceOfN(value, 1, 3), 0, 8).Draw(t, "params") {
			f[n] = vs
		}
		delete(f, "AccountSid")
		target := "/twilio/sms?ev=" + url.QueryEscape(rapid.String().Draw(t, "ev"))
		signature := twiliotest.Sign(twiliotest.Token, base+target, f)
		if w := serve(c.SMS(&desk{}), request(target, f, signature)); w.Code == http.StatusForbidden {
			t.Fatalf("%v refused", f)
		}
		changeOne(t, f, &target)
		if w := serve(c.SMS(&desk{}), request(target, f, signature)); w.Code != http.StatusForbidden {
			t.Fatalf("%v taken: %d", f, w.Code)
		}
	})
}

// changeOne changes, adds or drops one thing that is signed.
func changeOne(t *rapid.T, f url.Values, target *string) {
	names := make([]string, 0, len(f))
	for n := range f {
		names = append(names, n)
	}
	name := rapid.SampledFrom(names).Draw(t, "changed")
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		f[name] = []string{strings.Join(f[name], "") + "x" + strings.Repeat("y", len(strings.Join(f[name], ""))+3*len(name))}
	case 1:
		f.Set("Added"+name, "")
	case 2:
		delete(f, name)
	case 3:
		*target += "x"
	}
}
