package twilio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"befree.example/cmd/internal/gateway"
)

// tooMany is Twilio's code for "never processed, always safe to retry" (twilio.com/docs/api/errors/20429).
const tooMany = 20429

// longestWait is the most that a Retry-After is believed.
const longestWait = time.Hour

// understand tells what an answer of the API means.
func understand(answer *http.Response, raw []byte) (sid string, err error) {
	var said struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	readable := json.Unmarshal(raw, &said) == nil
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300 && readable && said.SID != "":
		return said.SID, nil
	case status == http.StatusRequestTimeout: // a proxy's: nobody knows how much it had passed on
	case status == http.StatusTooManyRequests, status >= 400 && status < 500 && said.Code == tooMany:
		return "", &gateway.Later{After: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case status >= 400 && status < 500:
		return "", &gateway.Refused{Code: said.Code, Reason: Explain(said.Code)}
	}
	return "", fmt.Errorf("%w: it answered %d", gateway.ErrUnknown, answer.StatusCode)
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3); zero if it is neither.
func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}
