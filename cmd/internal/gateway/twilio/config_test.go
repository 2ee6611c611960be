package twilio_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*twilio.Config)
		says   string
	}{
		"no account":                {func(c *twilio.Config) { c.Account = "" }, "--twilio-account"},
		"account is something else": {func(c *twilio.Config) { c.Account = "SK" + strings.Repeat("0", 32) }, "--twilio-account"},
		"no token":                  {func(c *twilio.Config) { c.Tokens = nil }, "token is missing"},
		"an empty token":            {func(c *twilio.Config) { c.Tokens = []string{twiliotest.Token, ""} }, "token"},
		"a token with a newline":    {func(c *twilio.Config) { c.Tokens = []string{twiliotest.Token + "\n"} }, "token"},
		"no public URL":             {func(c *twilio.Config) { c.PublicURL = "" }, "--public-url is missing"},
		"public URL over http":      {func(c *twilio.Config) { c.PublicURL = "http://relay.example.org" }, "--public-url: texts cross no network"},
		"public URL without host":   {func(c *twilio.Config) { c.PublicURL = "https://:8443" }, "--public-url"},
		"public URL is no URL":      {func(c *twilio.Config) { c.PublicURL = "relay.example.org" }, "--public-url"},
		"public URL is broken":      {func(c *twilio.Config) { c.PublicURL = "https://%zz" }, "--public-url"},
		"public URL with query":     {func(c *twilio.Config) { c.PublicURL = base + "?a=1" }, "--public-url"},
		"public URL of the webhook": {func(c *twilio.Config) { c.PublicURL = base + "/twilio/sms" }, "leave out /twilio/sms"},
		"underscore":                {func(c *twilio.Config) { c.PublicURL = "https://my_relay.example.org" }, "underscore"},
		"API over http":             {func(c *twilio.Config) { c.API = "http://api.example.org" }, "--twilio-api"},
		"API with a password":       {func(c *twilio.Config) { c.API = "https://me:" + twiliotest.Token + "@api.example.org" }, "--twilio-api"},
		"API is ftp":                {func(c *twilio.Config) { c.API = "ftp://api.example.org" }, "--twilio-api"},
		"service":                   {func(c *twilio.Config) { c.MessagingService = "hello" }, "messaging service"},
		"valid too long":            {func(c *twilio.Config) { c.ValidityPeriod = 11 * time.Hour }, "validity"},
		"valid for nothing":         {func(c *twilio.Config) { c.ValidityPeriod = -1 }, "validity"},
	} {
		conf := config()
		c.change(&conf)
		_, err := twilio.New(conf)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), twiliotest.Token) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrintsWithoutSecrets(t *testing.T) {
	c := carrier(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{c, config(), &[]twilio.Config{config()}[0], []any{c}} {
			if s := fmt.Sprintf(format, v); strings.Contains(s, "token") || strings.Contains(s, fmt.Sprintf("%x", twiliotest.Token)) {
				t.Errorf("%s of %T prints %s", format, v, s)
			}
		}
	}
}

func TestExplain(t *testing.T) {
	seen := map[string]int{}
	for _, code := range []int{
		21211, 21408, 21610, 21611, 21614, 21617, 30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008, 30009, 30022, 30023, 30032, 30034, 30036,
	} {
		words := twilio.Explain(code)
		if strings.Contains(words, "error") || !strings.HasSuffix(words, ".") {
			t.Errorf("%d is not explained: %s", code, words)
		}
		if seen[words] != 0 {
			t.Errorf("%d and %d say the same", code, seen[words])
		}
		seen[words] = code
	}
	if words := twilio.Explain(39999); !strings.Contains(words, "39999") {
		t.Error(words)
	}
	if words := twilio.Explain(0); strings.Contains(words, "0") {
		t.Error(words)
	}
}
