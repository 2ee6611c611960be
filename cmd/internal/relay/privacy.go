package relay

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	text "text/template"
	"time"

	"golang.org/x/text/language"

	"befree.example/store/sms"
)

// A Privacy is what texters are told about what is kept of them, made from the settings that are in force.
type Privacy struct {
	Number    sms.Number
	Retention Retention
	Contact   string // how to reach whoever runs the line; empty for by a text
	Keeps     bool   // the carrier keeps texts, and is asked to delete them
}

//go:embed privacy.en.txt
var privacyEN string

//go:embed privacy.es.txt
var privacyES string

var privacyTexts = map[string]*text.Template{
	"en": text.Must(text.New("en").Funcs(privacyWords).Parse(privacyEN)),
	"es": text.Must(text.New("es").Funcs(privacyWords).Parse(privacyES)),
}

var privacyWords = text.FuncMap{
	"days": func(d time.Duration) int { return int(d / day) },
	"our":  func(n sms.Number) string { return n.Reveal() }, // it stands on posters
}

// Text is the whole of it, in English or Spanish.
func (p Privacy) Text(lang string) string {
	t, ok := privacyTexts[lang]
	if !ok {
		t = privacyTexts["en"]
	}
	var b strings.Builder
	if err := t.Execute(&b, p); err != nil {
		panic(err) // a test executes them
	}
	return b.String()
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{{.Title}}</title></head>
<body style="max-width:40em;margin:1em auto;padding:0 1em;font:1em/1.5 sans-serif">
<p><a href="?lang=en" lang="en">English</a> · <a href="?lang=es" lang="es">Español</a></p>
<div style="white-space:pre-line">{{.Text}}</div></body></html>
`))

var privacyMatcher = language.NewMatcher([]language.Tag{language.English, language.Spanish})

// ServeHTTP serves it as a page without a script, a picture or a cookie: the phone may be looked through.
func (p Privacy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lang := r.URL.Query().Get("lang")
	if lang != "en" && lang != "es" {
		_, at := language.MatchStrings(privacyMatcher, r.Header.Get("Accept-Language"))
		lang = []string{"en", "es"}[at]
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept-Language")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	title, _, _ := strings.Cut(p.Text(lang), "\n")
	_ = page.Execute(w, map[string]string{"Lang": lang, "Title": title, "Text": p.Text(lang)})
}
