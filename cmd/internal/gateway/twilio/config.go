package twilio

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

// check says what is wrong with a Config, in words for whoever started the relay. No error repeats a token.
func (c Config) check() (public, api *url.URL, err error) {
	if !accountSID.MatchString(c.Account) {
		return nil, nil, errors.New("--twilio-account: an account SID is AC and 32 hexadecimal digits; the Twilio console shows it")
	}
	if err := checkTokens(c.Tokens); err != nil {
		return nil, nil, err
	}
	if c.MessagingService != "" && !serviceSID.MatchString(c.MessagingService) {
		return nil, nil, errors.New("messaging service: its SID is MG and 32 hexadecimal digits; the Twilio console shows it")
	}
	if c.ValidityPeriod < time.Second || c.ValidityPeriod > longestValid {
		return nil, nil, errors.New("validity period: Twilio takes 1 s to 10 h")
	}
	if api, err = checkAPI(c.API); err != nil {
		return nil, nil, err
	}
	public, err = checkPublic(c.PublicURL)
	return public, api, err
}

func checkTokens(tokens []string) error {
	if len(tokens) == 0 {
		return errors.New("the Twilio auth token is missing")
	}
	for _, t := range tokens {
		if t == "" || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("a Twilio auth token is empty or has a space or a strange character in it")
		}
	}
	return nil
}

func checkAPI(raw string) (*url.URL, error) {
	const flag = "--twilio-api"
	u, err := checkURL(flag, raw)
	if err == nil && (u.User != nil || u.Fragment != "") {
		return nil, fmt.Errorf("%s: leave out the password and the fragment", flag)
	}
	return u, err
}

func checkPublic(raw string) (*url.URL, error) {
	const flag = "--public-url"
	if raw == "" {
		return nil, fmt.Errorf("%s is missing: it is the address under which Twilio reaches this relay", flag)
	}
	u, err := checkURL(flag, raw)
	switch {
	case err != nil:
		return nil, err
	case strings.Contains(u.Hostname(), "_"):
		return nil, fmt.Errorf("%s: Twilio reports to no host with an underscore in its name", flag)
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/twilio/sms"):
		return nil, fmt.Errorf("%s: leave out /twilio/sms, the relay adds it", flag)
	}
	return u, nil
}

// checkURL takes https, and http on this machine alone, where tests and a proxy that ends TLS are.
func checkURL(flag, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: use an address such as https://relay.example.org", flag)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s: texts cross no network without TLS; use https", flag)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, fmt.Errorf("%s: leave out the question mark and what follows it", flag)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
