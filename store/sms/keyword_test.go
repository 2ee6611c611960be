package sms

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"befree.example/store/sms/smstest"
)

func TestClass(t *testing.T) {
	for _, c := range []struct {
		want  Keyword
		texts []string
	}{
		{Help, []string{"HELP", "help", " Help! ", "INFO", "info?", "¡AYUDA!", "ayuda"}},
		{OptOut, []string{
			"STOP", "stop", "Stop.", " \t\nstop\r\n", "“STOP”", "*stop*", "(stop)", "STOP!!!", "¡stop!", "<stop>", "~stop~",
			"stopall", "StopAll", "UNSUBSCRIBE", "Cancel", "END", "quit", "REVOKE", "optout", "OPTOUT…",
			"ＳＴＯＰ", "𝐒𝐓𝐎𝐏", "stop。", "\ufeffSTOP", "\u200bstop\u200d", "STOP\ufe0f", "ST\u00adOP", "\u202eSTOP\u202c", "stop\x00",
			"´stop´", "\u00a0STOP\u3000", "\u2800stop\u3164",
		}},
		{OptIn, []string{"START", "start!", "Unstop"}},
		{None, []string{
			"", " ", "!", "\u200b", "stop him he's here", "stop it", "opt out", "opt-out", "st op", "s.t.o.p", "stopped", "STOP 2", "stop2",
			"please stop", "stop stop", "YES", "yes", "help me", "info please", "parar", "alto", "stop 🙏", "стоп", "stöp",
			"stop\u0301", "HELPHELP", "the end", "a\xffb", "un stop",
		}},
	} {
		for _, text := range c.texts {
			if got := Class(text); got != c.want {
				t.Errorf("Class(%q) = %s, want %s", text, got, c.want)
			}
		}
	}
}

func TestMayRestore(t *testing.T) {
	for text, want := range map[string]bool{
		"START": true, "unstop": true, "Yes": true, "yes!": true, "ＹＥＳ": true,
		"": false, "yes please": false, "stop": false, "help": false, "si": false, "start over": false,
	} {
		if got := MayRestore(text); got != want {
			t.Errorf("MayRestore(%q) = %v", text, got)
		}
	}
}

func TestLeadsWithOptOut(t *testing.T) {
	for text, want := range map[string]bool{
		"stop him he's here": true, "STOP! hes here": true, "“Stop” he said": true, "end it all": true, "quit.he.is.here": true,
		"stop\nhim": true, "ＳＴＯＰ him": true, "stop's": true, "stop 🙏": true, "\u200bcancel that": true, "stop stop": true,
		"stop": false, "STOP!!!": false, " stop ": false, "": false, "stopped him": false, "please stop": false,
		"help stop": false, "ending": false, "end2 it": false, "stop\u200b": false, "start now": false, "opt out": false,
	} {
		if got := LeadsWithOptOut(text); got != want {
			t.Errorf("LeadsWithOptOut(%q) = %v", text, got)
		}
	}
}

// Whatever is put around or invisibly into a keyword, and whatever its case, its class stays; one more letter and it goes.
func TestClassSeesTheWordAlone(t *testing.T) {
	var all []string
	for word := range keywords {
		all = append(all, word)
	}
	edge := rapid.StringOfN(rapid.SampledFrom([]rune(" \t\r\n.,!?¡¿\"'“”‘’…—-*_()[]#<>~\u200b\u200c\u200d\u2060\ufeff\ufe0f\u00a0\u202e\u2066")), 0, 10, -1)
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(all).Draw(t, "word")
		cased := []rune(word)
		for i := range cased {
			if rapid.Bool().Draw(t, "upper") {
				cased[i] -= 'a' - 'A'
			}
		}
		text := edge.Draw(t, "before") + string(cased) + edge.Draw(t, "after")
		if got := Class(text); got != keywords[word] {
			t.Fatalf("Class(%q) = %s, want %s", text, got, keywords[word])
		}
		if LeadsWithOptOut(text) {
			t.Fatalf("%q is alone", text)
		}
		longer := text + " " + rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "more")
		if Class(longer) != None || LeadsWithOptOut(longer) != (keywords[word] == OptOut) {
			t.Fatalf("%q: %s, leads %v", longer, Class(longer), LeadsWithOptOut(longer))
		}
	})
}

// No text is an opt-out and a cry at once, and case changes nothing.
func FuzzClass(f *testing.F) {
	for _, s := range smstest.Hostile() {
		f.Add(s)
	}
	f.Add("stop him he's here")
	f.Add("ＳＴＯＰ\ufe0f!")
	f.Fuzz(func(t *testing.T, text string) {
		k := Class(text)
		if k != None && LeadsWithOptOut(text) {
			t.Fatalf("%q is %s and leads with an opt-out", text, k)
		}
		if k != None && Class(strings.ToUpper(text)) != k {
			t.Fatalf("%q is %s, in capitals %s", text, k, Class(strings.ToUpper(text)))
		}
		if k != None && Class(" "+text+"!\u200b") != k {
			t.Fatalf("%q is %s, decorated it is not", text, k)
		}
	})
}
