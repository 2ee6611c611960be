package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
)

// tlsFlags say what the relay shows to be itself. One of the three is needed to serve consoles on other machines.
type tlsFlags struct {
	TLSCert       string `help:"Certificate chain, where there is one." placeholder:"FILE"`
	TLSKey        string `help:"Its private key." placeholder:"FILE"`
	ACME          string `name:"acme" help:"Host name of this relay, for which a certificate is got and renewed by itself; port 443 must reach --listen." placeholder:"HOST"`
	ACMEDirectory string `name:"acme-directory" help:"The authority that gives it." default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL"`
	TLSOwn        bool   `name:"tls-own" help:"A certificate that the relay makes itself, which consoles know from their code. Carriers do not: give them --listen-carrier behind a proxy."`
	ListenCarrier string `help:"Another address for the carrier alone, on this machine and without TLS, behind a proxy with a certificate that the carrier trusts." placeholder:"HOST:PORT"`
}

// check finds what cannot be, before anything is touched.
func (t *tlsFlags) check(carrier string) error {
	ways := 0
	for _, named := range []bool{t.TLSCert != "" || t.TLSKey != "", t.ACME != "", t.TLSOwn} {
		if named {
			ways++
		}
	}
	switch {
	case ways > 1:
		return errors.New("--tls-cert with --tls-key, --acme and --tls-own are three ways to the same; take one")
	case t.TLSOwn && carrier == "twilio" && t.ListenCarrier == "":
		return errors.New("--tls-own: Twilio trusts no certificate that the relay made itself, and no text would arrive; use --acme or --tls-cert, or --listen-carrier behind a proxy")
	case t.ListenCarrier != "" && !loopback(t.ListenCarrier):
		return errors.New("--listen-carrier is without TLS and for this machine alone: name an address such as 127.0.0.1:8234")
	}
	if t.TLSCert != "" || t.TLSKey != "" {
		if err := config.CheckKey("--tls-key", t.TLSKey); err != nil {
			return err
		}
		if _, err := tls.LoadX509KeyPair(t.TLSCert, t.TLSKey); err != nil {
			return fmt.Errorf("--tls-cert and --tls-key: %w", err)
		}
	}
	return nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// secure settles what the relay shows to be itself, and has codes carry it where consoles could not know otherwise.
func (t *tlsFlags) secure(data string, conf *relay.Config) (err error) {
	var fingerprint []byte
	switch {
	case t.TLSCert != "":
		pair, err := tls.LoadX509KeyPair(t.TLSCert, t.TLSKey)
		if err != nil {
			return fmt.Errorf("--tls-cert and --tls-key: %w", err)
		}
		conf.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	case t.ACME != "":
		conf.TLS = t.authority(data).TLSConfig()
	case t.TLSOwn:
		var pair tls.Certificate
		if pair, fingerprint, err = relay.OwnCertificate(relay.CertificateFile(data)); err != nil {
			return err
		}
		conf.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	if conf.TLS != nil {
		conf.TLS.MinVersion, conf.TLS.NextProtos = tls.VersionTLS12, []string{"http/1.1"} // 1.2 is for carriers; consoles need 1.3
	}
	if t.ACME != "" {
		conf.TLS.NextProtos = append(conf.TLS.NextProtos, acme.ALPNProto)
	}
	return relay.StaffIn(data).ServeWith(fingerprint)
}

// authority gets certificates and keeps them, with their keys, beside the data folder.
func (t *tlsFlags) authority(data string) *autocert.Manager {
	return &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(t.ACME),
		Cache:  autocert.DirCache(filepath.Clean(data) + ".acme"),
		Client: &acme.Client{DirectoryURL: t.ACMEDirectory},
	}
}
