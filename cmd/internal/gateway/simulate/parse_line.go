package simulate

import (
	"errors"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

var errStep = errors.New(`not understood: write a text as "5s words", or "go to NAME", or "end"`)

// parseLine reads a text: "5s words", `5s "words\n"`, "5s [image/jpeg https://media.example/1] words".
func parseLine(text string) (l line, err error) {
	when, what := text, ""
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		when, what = text[:i], strings.TrimSpace(text[i:])
	}
	if when == "" || when[0] < '0' || when[0] > '9' {
		return l, errStep
	}
	if l.delay, err = duration(when); err != nil {
		return l, err
	}
	if inner, rest, ok := cutPicture(what); ok {
		if l.media, err = parseMedia(inner); err != nil {
			return l, err
		}
		what = rest
	}
	if l.body, err = parseBody(what); err != nil {
		return l, err
	}
	if l.body == "" && l.media == nil {
		return l, errors.New("the text is empty")
	}
	return l, nil
}

func cutPicture(what string) (inner, rest string, ok bool) {
	if !strings.HasPrefix(what, "[") {
		return "", what, false
	}
	inner, rest, ok = strings.Cut(what[1:], "]")
	return inner, strings.TrimSpace(rest), ok
}

// parseMedia reads "image/jpeg https://media.example/1". The host must be one that can never exist.
func parseMedia(text string) ([]gateway.Media, error) {
	kind, where, _ := strings.Cut(text, " ")
	where = strings.TrimSpace(where)
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "https" || !strings.HasSuffix(u.Hostname(), ".example") {
		return nil, errors.New(`a picture is written as "[image/jpeg https://media.example/1]", at a host that ends in .example`)
	}
	if base, _, err := mime.ParseMediaType(kind); err != nil || !strings.Contains(base, "/") {
		return nil, errors.New(`a picture is of a type such as image/jpeg or image/png`)
	}
	return []gateway.Media{{URL: where, Type: kind}}, nil
}

func parseBody(text string) (sms.Text, error) {
	if strings.HasPrefix(text, `"`) {
		whole, err := strconv.Unquote(text)
		if err != nil {
			return "", errors.New(`a text that begins with a quotation mark must end with one, and have \" for one within`)
		}
		text = whole
	}
	if len(utf16.Encode([]rune(text))) > longestBody {
		return "", errors.New("the text is longer than 1600 characters")
	}
	return sms.Text(text), nil
}
