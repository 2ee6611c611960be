package triage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// texts are what people send, in their own spelling, by what befree's own rules must say. None is from a real person.
var texts = map[Severity][]string{
	Imminent: {
		"stop him he's here", "hes here", "he is here", "HE’S HERE", "shes back", "they r coming back", "they are coming back", "he came back",
		"hes outside my door pls hurry", "pls hurry", "HURRYYYY", "someone is at the door", "im hiding in the bathroom", "hes coming upstairs",
		"theyre coming for me", "he found me", "he is gonna be back in 10 minutes", "hes 10 min away", "in danger", "call 911", "can u send someone",
		"please send police", "come get me", "help me now", "he is hitting me", "hes gonna kill me", "gonna kill us all", "he will kill me if i talk",
		"hes choking her", "im bleeding a lot", "bleeeeding", "im tied up", "we were kidnapped", "before he gets back",
		"he has a gun", "gun", "guuuun", "he put a gun to my head", "No! Gun!", "theres a knife on the table", "he stabbed my friend", "they will shoot us",
		"im 14", "I'm 14", "I am 14 years old", "shes 15", "she is only 13", "14yo", "16f", "my cousin is 15 and he sells her", "im under 18", "there are kids here",
		"they have my daughter", "they took my baby", "im sixteen", "little girls are here", "i am a minor",
		"i want to die", "i wanna die", "im gonna kill myself", "suicide", "thinking about suicde", "i want to end it all", "i cant take it anymore",
		"i dont want to live", "better off dead",
		"they taking us tonite", "taking us tonight", "they are moving us tonight in a truck", "theyre gonna move us 2nite", "im in the back of a truck", "in the trunk",
		"we are crossing the border now", "they sold me", "hes taking me to mexico", "truck",
		"ya viene", "el esta aqui", "ya esta aqui", "esta afuera", "ahi viene", "viene por mi", "ya llego", "estoy escondida en el baño", "estoy en peligro",
		"me va a matar", "me van a matar", "nos van a matar", "me esta pegando", "ayuda rapido por favor", "llamen a la policia", "manden a alguien", "auxilio",
		"tiene una pistola", "tiene un arma", "con un cuchillo", "tengo 15 años", "tengo 15 anos", "tengo catorce años", "la niña tiene 12 anos", "hay una nina aqui",
		"soy menor de edad", "quiero morir", "me quiero matar", "ya no quiero vivir", "nos van a llevar esta noche", "nos llevan en una camioneta",
		"nos estan subiendo a un camion", "nos mueven hoy", "van a mover a las muchachas hoy", "me secuestraron", "amenaza con matar a mi familia",
	},
	High: {
		"locked in the basement", "im locked in a room", "they wont let me leave", "he doesnt let us go out", "i cant leave", "i cannot get out", "im trapped",
		"they took my passport", "my boss has my papers", "i have no passport", "he keeps our documents", "they took my ID", "i owe them 5000", "we have to pay off the debt",
		"he knows where my mom lives", "they threatened my family", "he hits me", "my boss beat me", "he raped me", "they make me have sex with men", "forced to work",
		"i have to see 10 guys a night", "my pimp is asleep", "i was trafficked", "we work 16 hours a day", "someone is following me", "he took my phone",
		"i cant talk", "dont call this number", "im scared", "please dont call the police", "im scared of the police", "they will deport me", "i want to escape",
		"how do i get out", "i dont know where i am", "i need a safe place", "i was 14 when it started", "stop it please", "cancel that", "end of my shift", "stop 🙏",
		"no me dejan salir", "estoy encerrada", "no puedo salir de la casa", "me quitaron el pasaporte", "mi jefe tiene mis documentos", "no tengo papeles",
		"le debo dinero al coyote", "tengo una deuda", "me pega", "mi esposo me golpea", "nos obligan a trabajar", "me obligan a prostituirme", "me violaron",
		"sabe donde vive mi familia", "me amenaza", "tengo miedo", "tengo miedo de la policia", "me siguen", "no puedo hablar", "quiero escapar", "no se donde estoy",
		"un hombre me viene siguiendo",
	},
	Standard: {
		"", " ", "😀", "🙏🙏🙏", "!!!", "HELP", "help", "Help!", "AYUDA", "ayuda", "hello", "hola", "ok", "yes", "no", "YES", "STOP", "START", "thanks", "good morning",
		"i need help", "please help me", "can i talk to someone", "they dont pay me", "my boss doesnt pay overtime", "he keeps my tips", "no me pagan", "can i get a lawyer",
		"need someone to talk to", "ayudame por favor", "necesito hablar con alguien", "begun", "the movie begins at 8", "gunny sack", "no gun", "there is no knife here",
		"my begonias began to begin", "she is 5 months pregnant", "i am 12 minutes away", "i have two kids", "killing time", "im fine now", "going to sell my car",
		"skill", "gunther called", "a shotglass", "trucker hat", "estoy bien", "gracias", "日本語", "Привет", "\x1b[2J", "a\xff\xfeb", "12345",
		"who is this? can you help me",
		"what is this number i got it from a lady at the laundry where i clean and she said to write when nobody sees it",
	},
	Information: {
		"INFO", "info", "Info!", "what is this", "what is this?", "whats this number", "who are you", "who r u", "who is this", "is this free", "is it free", "info please",
		"what is this number for?", "is this a bot", "how does this work", "is this confidential?", "do you speak spanish?", "what does befree mean", "wrong number",
		"can you tell me more about your services", "i want to volunteer", "I'm a student doing a project, can you send info?", "I'm doing a school report on human trafficking",
		"que es esto", "¿Qué es esto?", "quien es", "quienes son ustedes", "es gratis?", "cuanto cuesta", "quiero informacion", "como funciona",
	},
}

func TestJudge(t *testing.T) {
	for want, all := range texts {
		for _, text := range all {
			if got := Default().Judge(text); got.Severity != want {
				t.Errorf("%q is %s, want %s: %v", text, got.Severity, want, rulesOf(got))
			}
		}
	}
}

// rulesOf returns the names of the rules that gave reasons.
func rulesOf(res Result) (names []string) {
	for _, r := range res.Reasons {
		names = append(names, r.Rule)
	}
	return names
}

func TestLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"he is here": "en", "ya viene": "es", "help": "en", "ayuda": "es", "": "", "😀": "", "ok": "", "INFO": "", "nos llevan en la troca": "es",
		"they took my passport": "en", "me quitaron el pasaporte": "es", "no": "", "日本語": "",
	} {
		if got := Default().Judge(text).Language; got != want {
			t.Errorf("%q is in %q, want %q", text, got, want)
		}
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		text string
		want Result
	}{
		{"", Result{Standard, "", []Reason{}}},
		{"HELP", Result{Standard, "en", []Reason{
			{HelpAlone, Standard, "HELP", 0, 4}, {"asks for help", Standard, "HELP", 0, 4},
		}}},
		{"“Stop!” he’s  HERE", Result{Imminent, "en", []Reason{
			{LeadsWithStop, Imminent, "Stop", 3, 7}, {"danger now", Imminent, "he’s  HERE", 12, 24},
		}}},
		{"¡la Niña! gu\u200bn", Result{Imminent, "es", []Reason{
			{"minor held", Imminent, "Niña", 5, 10}, {"weapon", Imminent, "gu\u200bn", 12, 18},
		}}},
		{"they dont pay me, he has a ＧＵＮ", Result{Imminent, "en", []Reason{
			{"weapon", Imminent, "ＧＵＮ", 27, 36}, {"wages kept", Standard, "dont pay", 5, 13},
		}}},
	} {
		if diff := cmp.Diff(c.want, Default().Judge(c.text)); diff != "" {
			t.Errorf("%q:\n%s", c.text, diff)
		}
	}
}

func TestResultJSON(t *testing.T) {
	b, err := json.Marshal(Default().Judge("gun"))
	want := `{"severity":"imminent","language":"en","reasons":[{"rule":"weapon","severity":"imminent","match":"gun","start":0,"end":3}]}`
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v\nwant %s", b, err, want)
	}
	if b, _ = json.Marshal(Default().Judge("")); string(b) != `{"severity":"standard","reasons":[]}` {
		t.Errorf("got %s", b)
	}
}

// sound checks what Judge promises of any text.
func sound(t interface{ Fatalf(string, ...any) }, text string) {
	res := Default().Judge(text)
	worst := Standard
	for i, r := range res.Reasons {
		if r.Start < 0 || r.End > len(text) || r.Start >= r.End || text[r.Start:r.End] != r.Match.Reveal() {
			t.Fatalf("reason %d, %s, is bytes %d to %d of %q", i, r.Rule, r.Start, r.End, text)
		}
		if i == 0 {
			worst = r.Severity
		}
	}
	if res.Severity != worst {
		t.Fatalf("%q is %s, but the first reason %s", text, res.Severity, worst)
	}
	if res.Reasons == nil || !slices.IsSortedFunc(res.Reasons, inOrder) {
		t.Fatalf("%q: reasons are null or out of order: %v", text, rulesOf(res))
	}
}

// alike returns text as somebody else would type it: another case, other apostrophes, no accents or more of them, wide
// letters, more punctuation at the end, characters that nobody sees.
func alike(t *rapid.T, text string) string {
	var b strings.Builder
	for _, r := range text {
		switch rapid.IntRange(0, 7).Draw(t, "change") {
		case 0:
			b.WriteString(strings.ToUpper(string(r)))
		case 1:
			b.WriteString(string(r) + rapid.SampledFrom([]string{"\u200b", "\ufe0f", "\u2060", "\u00ad", "\u0301"}).Draw(t, "unseen"))
		case 2:
			if r > ' ' && r < utf8.RuneSelf {
				r += '！' - '!'
			}
			b.WriteRune(r)
		case 3:
			b.WriteString(strings.NewReplacer("'", "’", "’", "", "ñ", "n", "á", "a", "é", "e", "í", "i", "ó", "o").Replace(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + rapid.SampledFrom([]string{"", "!", "!!!", "...", " \n"}).Draw(t, "end")
}

// Spelling that changes no word changes neither severity nor language nor the rules that speak.
func TestJudgeIsInvariant(t *testing.T) {
	var all []string
	for _, s := range []Severity{Imminent, High, Standard, Information} {
		for _, text := range texts[s] {
			if utf8.ValidString(text) && !strings.Contains(text, "!") && !strings.ContainsRune(text, '\x1b') {
				all = append(all, text)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(all).Draw(t, "text")
		other := alike(t, text)
		a, b := Default().Judge(text), Default().Judge(other)
		if a.Severity != b.Severity || a.Language != b.Language || !slices.Equal(rulesOf(a), rulesOf(b)) {
			t.Fatalf("%q is %s %q %v, %q is %s %q %v", text, a.Severity, a.Language, rulesOf(a), other, b.Severity, b.Language, rulesOf(b))
		}
		sound(t, other)
	})
}

// More words after a cry never make it less urgent.
func TestJudgeNeverFalls(t *testing.T) {
	more := rapid.StringOf(rapid.SampledFrom([]rune("abc hé!.'\n😀\u200b7")))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]Severity{Imminent, High}).Draw(t, "severity")
		text := rapid.SampledFrom(texts[s]).Draw(t, "text")
		longer := text + ". \n" + more.Draw(t, "more")
		if got := Default().Judge(longer).Severity; got.Rank() > s.Rank() && !strings.HasPrefix(text, "stop") {
			t.Fatalf("%q is %s, %q %s", text, s, longer, got)
		}
	})
}

// hostile are what a text could be made of to keep the rules busy.
var hostile = []string{"gun ", "he is ", "no gun ", "i am going to ", "a", "taking us to the ", "15yo", "do not ... call ", "\u0301", "é", "he’s\u200b", "aaaa ", "\xff"}

func TestHostileTextHasFewReasons(t *testing.T) {
	for _, part := range hostile {
		res := Default().Judge(strings.Repeat(part, 64<<10/len(part)))
		if len(res.Reasons) > maxPerRule*len(Default().rules) {
			t.Errorf("%q: %d reasons", part, len(res.Reasons))
		}
	}
}

// BenchmarkJudgeHostile shows that the work grows as the text does: ns/byte stays as it is from 8 KB to 64 KB.
func BenchmarkJudgeHostile(b *testing.B) {
	for _, size := range []int{8 << 10, 64 << 10} {
		for _, part := range hostile {
			text := strings.Repeat(part, size/len(part))
			b.Run(fmt.Sprintf("%dKB/%q", size>>10, part), func(b *testing.B) {
				for b.Loop() {
					Default().Judge(text)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/byte")
			})
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, all := range texts {
		for _, text := range all {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) { sound(t, text) })
}

func BenchmarkJudge(b *testing.B) {
	text := "hi im 19 and my boss took my passport he says i owe him 3000 pls help hes coming back tonite"
	Default()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Default().Judge(text)
	}
}
