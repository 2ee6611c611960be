package relay

import (
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// Texts are the automatic texts in the operator's words, by language; "" stands for every other language. They must be
// neutral: whoever holds the phone may not be the texter, so none may say what the number is for.
type Texts struct {
	Compliance   map[string]string // answers HELP and INFO
	Confirmation map[string]string // confirms an opt-out
}

// The default texts are of one GSM-7 segment each.
var defaultTexts = Texts{
	Compliance: map[string]string{
		"":   "Thanks for your message. A person will reply here. Msg & data rates may apply. Reply STOP to end.",
		"es": "Gracias por su mensaje. Una persona le responde por aqui. Pueden aplicar tarifas. Envie STOP para terminar.",
	},
	Confirmation: map[string]string{
		"":   "You will get no more messages from this number. Reply START to begin again.",
		"es": "No va a recibir mas mensajes de este numero. Envie START para volver.",
	},
}

func (t Texts) withDefaults() Texts {
	if len(t.Compliance) == 0 {
		t.Compliance = defaultTexts.Compliance
	}
	if len(t.Confirmation) == 0 {
		t.Confirmation = defaultTexts.Confirmation
	}
	return t
}

// For returns the automatic text of this kind for somebody who writes this language.
func (t Texts) For(automatic, language string) sms.Text {
	texts := t.Compliance
	if automatic == desk.Confirmation {
		texts = t.Confirmation
	}
	if s, ok := texts[language]; ok {
		return sms.Text(s)
	}
	return sms.Text(texts[""])
}

// TextsOf takes the operator's words; an empty one stands for the default.
func TextsOf(help, helpES, stop, stopES string) Texts {
	pick := func(en, es string, byDefault map[string]string) map[string]string {
		words := map[string]string{"": byDefault[""], "es": byDefault["es"]}
		if en != "" { // the default in Spanish would not say the same
			words = map[string]string{"": en}
		}
		if es != "" {
			words["es"] = es
		}
		return words
	}
	return Texts{Compliance: pick(help, helpES, defaultTexts.Compliance), Confirmation: pick(stop, stopES, defaultTexts.Confirmation)}
}
