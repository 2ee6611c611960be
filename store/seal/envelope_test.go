package seal

import (
	"encoding/json"
	"errors"
	"testing"
)

// cheap is for tests alone.
var cheap = Params{Passes: 1, Memory: 64, Lanes: 1}

func sealedEnvelope(t testing.TB, m Master, passphrase string) Envelope {
	t.Helper()
	e, err := Enclose(m, []byte(passphrase), cheap)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEnvelope(t *testing.T) {
	m := NewMaster()
	text, err := json.Marshal(sealedEnvelope(t, m, "correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	var e Envelope
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	got, err := e.Open([]byte("correct horse"))
	if err != nil || !got.Equal(m) {
		t.Errorf("opens to another key: %v", err)
	}
	for _, wrong := range []string{"", "correct hors", "correct horse ", "Correct horse"} {
		if _, err := e.Open([]byte(wrong)); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestRecommendedCosts(t *testing.T) {
	if want := (Params{Passes: 3, Memory: 65536, Lanes: 4}); Recommended != want {
		t.Errorf("%+v", Recommended)
	}
	m := NewMaster()
	e, err := Enclose(m, []byte("x"), Recommended)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.Open([]byte("x")); err != nil || !got.Equal(m) {
		t.Error(err)
	}
}

func TestEmptyPassphraseIsRefused(t *testing.T) {
	if _, err := Enclose(NewMaster(), nil, cheap); err == nil {
		t.Error("sealed")
	}
}

func TestHostileEnvelope(t *testing.T) {
	good := sealedEnvelope(t, NewMaster(), "x")
	for name, alter := range map[string]func(*Envelope){
		"1 TB":            func(e *Envelope) { e.Params.Memory = 1 << 30 },
		"all the memory":  func(e *Envelope) { e.Params.Memory = ^uint32(0) },
		"2 GiB":           func(e *Envelope) { e.Params.Memory = 2 << 20 },
		"no memory":       func(e *Envelope) { e.Params.Memory = 0 },
		"too little":      func(e *Envelope) { e.Params.Memory = 7 },
		"for ever":        func(e *Envelope) { e.Params.Passes = ^uint32(0) },
		"no pass":         func(e *Envelope) { e.Params.Passes = 0 },
		"no lane":         func(e *Envelope) { e.Params.Lanes = 0 },
		"too many lanes":  func(e *Envelope) { e.Params.Lanes = 255; e.Params.Memory = 4096 },
		"no version":      func(e *Envelope) { e.Version = 0 },
		"newer":           func(e *Envelope) { e.Version = 2 },
		"no salt":         func(e *Envelope) { e.Salt = nil },
		"long salt":       func(e *Envelope) { e.Salt = make([]byte, 1<<20) },
		"no key":          func(e *Envelope) { e.Sealed = nil },
		"key of one byte": func(e *Envelope) { e.Sealed = []byte{1} },
	} {
		e := good
		alter(&e)
		if _, err := e.Open([]byte("x")); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Enclose(NewMaster(), []byte("x"), e.Params); e.Params != good.Params && !errors.Is(err, ErrKey) {
			t.Errorf("%s is sealed: %v", name, err)
		}
	}
}

func TestAlteredEnvelope(t *testing.T) {
	good := sealedEnvelope(t, NewMaster(), "x")
	for i := range good.Sealed {
		e := good
		e.Sealed = append([]byte(nil), good.Sealed...)
		e.Sealed[i] ^= 1
		if _, err := e.Open([]byte("x")); !errors.Is(err, ErrPassphrase) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	e := good
	e.Params.Passes++
	if _, err := e.Open([]byte("x")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("other costs: %v", err)
	}
}

func FuzzEnvelope(f *testing.F) {
	text, err := json.Marshal(sealedEnvelope(f, NewMaster(), "x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"argon2id":{"passes":4294967295,"memory":4294967295,"lanes":255}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e Envelope
		if json.Unmarshal(text, &e) != nil || e.Params.Memory > 1024 && e.Params.check() == nil {
			return // not an envelope, or one whose work is allowed but slow
		}
		if _, err := e.Open([]byte("another")); !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrKey) {
			t.Errorf("%v", err)
		}
	})
}
