package twiliotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `usage:
       twilio serve [flags]            stand in for Twilio until interrupted; prints its address
       twilio relay PUBLIC [REAL]         say where the relay is
       twilio text FROM [WORDS]...        let somebody text us
       twilio next KIND [AFTER]           what becomes of the next text that the relay sends
       twilio callbacks PLAN              what the relay is told of its texts from now on
       twilio sent [N [STATE]]            print the texts sent, once there are N and STATE is known of them
All but serve speak to the stand-in at $TWILIO_API`

var errUsage = errors.New(usage)

// Main is the stand-in as a program, for testscript.Main. It uses os.Args and ends the process with 1 on failure.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "twilio:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	verb, args := args[0], args[1:]
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch verb {
	case "serve":
		return serve(ctx, args, out)
	case "relay":
		return post(ctx, out, "relay", map[string]string{"public": arg(0), "relay": arg(1)})
	case "text":
		return post(ctx, out, "text", Text{From: arg(0), Body: strings.Join(args[min(1, len(args)):], " ")})
	case "next":
		return post(ctx, out, "next", map[string]string{"fault": arg(0), "after": arg(1)})
	case "callbacks":
		return post(ctx, out, "callbacks", map[string]string{"plan": arg(0)})
	case "sent":
		return exchange(ctx, out, http.MethodGet, "sent?wait="+arg(0)+"&told="+arg(1), nil)
	}
	return errUsage
}

func serve(ctx context.Context, args []string, out io.Writer) error {
	var c Config
	flags := flag.NewFlagSet("twilio serve", flag.ContinueOnError)
	address := flags.String("listen", "127.0.0.1:0", "where to listen")
	flags.StringVar(&c.Account, "account", Account, "account SID")
	flags.StringVar(&c.Token, "token", Token, "auth token")
	flags.StringVar(&c.Number, "number", Number, "our number")
	flags.StringVar(&c.Public, "public", "", "URL under which the relay is configured")
	flags.StringVar(&c.Relay, "relay", "", "where it really is, if elsewhere")
	flags.StringVar(&c.Overrides, "overrides", Overrides, "fragment of the webhook's address")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *address)
	if err != nil {
		return err
	}
	c.Listener = l
	s, err := New(c)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(out, s.URL())
	<-ctx.Done()
	return nil
}

func post(ctx context.Context, out io.Writer, path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return exchange(ctx, out, http.MethodPost, path, raw)
}

// exchange prints what the stand-in answers.
func exchange(ctx context.Context, out io.Writer, method, path string, body []byte) error {
	at := os.Getenv("TWILIO_API")
	if at == "" {
		return errors.New("set TWILIO_API to what twilio serve printed")
	}
	r, err := http.NewRequestWithContext(ctx, method, at+"/control/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(out, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("the stand-in answers %s", answer.Status)
	}
	return nil
}
