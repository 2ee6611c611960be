package twilio

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"befree.example/cmd/internal/gateway"
)

// emptyAnswer is TwiML that does nothing: texts are sent by the API, where they have a SID and a status.
const emptyAnswer = `<?xml version="1.0" encoding="UTF-8"?><Response/>`

// SMS takes the webhook of incoming texts. It answers 200 only once recv has the text; 503 asks Twilio to come again,
// which it does for 15 s and then never more. The server that it stands in limits headers and connections.
func (c *Carrier) SMS(recv gateway.Receiver) http.Handler {
	return c.webhook("sms", func(_, form url.Values) (taker, error) {
		m, err := inbound(form)
		return func(ctx context.Context) error { return recv.Receive(ctx, m) }, err
	}, func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, emptyAnswer)
	})
}

// Status takes the status callbacks of texts that were sent. It answers 204 only once recv has the news.
func (c *Carrier) Status(recv gateway.Receiver) http.Handler {
	return c.webhook("status", func(query, form url.Values) (taker, error) {
		s, err := status(query, form)
		return func(ctx context.Context) error { return recv.Delivered(ctx, s) }, err
	}, func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) })
}

// A taker hands what a webhook brought to the Receiver.
type taker func(context.Context) error

// webhook checks method, size, signature and content, in this order.
//
// A Receiver that has begun is not disturbed when the caller hangs up: Twilio may not come a second time.
func (c *Carrier) webhook(name string, read func(query, form url.Values) (taker, error), thank func(http.ResponseWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := c.check(w, r)
		var take taker
		if err == nil {
			take, err = read(r.URL.Query(), form)
		}
		if err == nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), takeTimeout)
			defer cancel()
			err = take(ctx)
		}
		if err != nil {
			c.refuse(w, name, err)
			return
		}
		thank(w)
	})
}

// A fault is an HTTP status and why. Its words name no parameter's value.
type fault struct {
	status int
	words  string
}

func (f *fault) Error() string { return f.words }

var (
	errMethod    = &fault{http.StatusMethodNotAllowed, "only POST is taken: set the webhook's method at Twilio"}
	errSize      = &fault{http.StatusRequestEntityTooLarge, "body is longer than 64 KB"}
	errBody      = &fault{http.StatusBadRequest, "body did not arrive"}
	errSignature = &fault{http.StatusForbidden, "not signed by our carrier: check --public-url and the auth token if this was Twilio"}
	errAccount   = &fault{http.StatusForbidden, "another account's webhook"}
	errType      = &fault{http.StatusUnsupportedMediaType, "body is not a form"}
	errForm      = &fault{http.StatusBadRequest, "form cannot be read"}
	errText      = &fault{http.StatusBadRequest, "MessageSid, From or To is missing"}
	errStatus    = &fault{http.StatusBadRequest, "MessageSid or MessageStatus is missing"}
)

// refuse answers with what err says: whatever is not the caller's fault is ours, and may be tried again. Of a flood of
// what others did wrong, only some is logged.
func (c *Carrier) refuse(w http.ResponseWriter, name string, err error) {
	log := c.log.With("webhook", name)
	code := http.StatusServiceUnavailable
	var f *fault
	if errors.As(err, &f) {
		code = f.status
	}
	switch code {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
		log.Error("webhook could not be taken", "error", err)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
		fallthrough
	default:
		if c.loud.Allow() {
			log.Warn("webhook refused", "code", code, "error", err)
		}
	}
	http.Error(w, http.StatusText(code), code)
}

// check reads the form, within its limits, and says whether it is Twilio's and ours. Nobody learns more than 403 about a
// request that is not signed.
func (c *Carrier) check(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, errMethod
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	form, err := parseForm(r.Header.Get("Content-Type"), body)
	if !c.signed(r, form, body) {
		return nil, errSignature
	}
	if err != nil {
		return nil, err
	}
	if sid := form["AccountSid"]; len(sid) > 0 && (len(sid) > 1 || sid[0] != c.conf.Account) {
		return nil, errAccount
	}
	return form, nil
}

// readBody reads no more than the limit, and nothing of a body that says itself that it is longer.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		w.Header().Set("Connection", "close")
		return nil, errSize
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, errSize
	}
	if err != nil {
		return nil, errBody
	}
	return body, nil
}

// parseForm returns nil where there is no form, and what could be read of one that is broken.
func parseForm(contentType string, body []byte) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, errType
	}
	form, err := url.ParseQuery(string(body))
	if form == nil {
		form = url.Values{}
	}
	if err != nil {
		return form, errForm
	}
	return form, nil
}
