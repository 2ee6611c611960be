package relay

import (
	"crypto/tls"
	"time"

	"befree.example/cmd/internal/process"
)

// The walls of the relay's web side, every number of them. A carrier's body is limited to 64 KB by its gateway, which
// reads it; a frame to 64 KB, a console's silence to 12 s and its sign-in to 10 s by package wire.
const (
	// One request.
	maxHeader      = 16 << 10 // bytes
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second // header and body; a carrier gives a webhook 15 s in all
	answerTimeout  = 20 * time.Second // from the end of the header to the end of the answer
	idleTimeout    = time.Minute      // a connection kept open between two requests

	shutdownTimeout = 25 * time.Second
	readyTimeout    = 5 * time.Second

	// Connections. One in four is kept for addresses that have shown who they are: by a signed webhook, or by a sign-in.
	connsMost       = 4096
	connsPerAddress = 256
	connsPerKnown   = 2048     // of an address that has shown who it is: a carrier has few, and an office one
	unsentMost      = 64 << 10 // bytes that the system holds for one, twice that on Linux: a ping waits behind them
	filesKept       = 128      // that the relay needs besides: if it may not open more, it takes fewer connections
	arrivalsBurst   = 200      // new connections of one address
	arrivalsRate    = 50       // ... and each second from then on

	// Webhooks that are taken at once. What is signed spends nothing: only what comes to nothing does.
	webhooksKnown    = 256             // of addresses that have shown who they are
	webhooksStranger = 64              // of all others together
	webhooksSpent    = 4               // of those that have spent their budget, together
	webhookWait      = 3 * time.Second // for a place among them
	webhookLook      = 50 * time.Millisecond
	refusalsBurst    = 30 // webhooks of one address that were refused
	refusalsRate     = 1  // ... and each second from then on

	// Sign-ins of one address that failed.
	signInsBurst = 20
	signInsRate  = 0.2 // each second from then on
	authMost     = 4 << 10

	// One member of staff, at all their consoles together: what is more is read later, and never refused.
	commandsBurst = 200
	commandsRate  = 20
	framesBurst   = 400
	framesRate    = 50

	// What is remembered of addresses: budgets of twice addressesMost, and who has shown who they are.
	addressesMost = 8192
	knownMost     = 4096
	knownFor      = 24 * time.Hour

	// What anybody may ask: whether the relay lives and is ready, and what is kept of texters.
	asksBurst = 60 // questions of one address
	asksRate  = 1  // ... and each second from then on

	// Memory is looked at so often. Where it was short it is enough again once a part of memoryBack of what there may be
	// is free, or there was enough at so many looks in a row.
	memoryEvery = time.Second
	memoryBack  = 10
	memoryLooks = 30

	reportEvery = time.Minute

	// A console that was not here for so long shows nothing of what it keeps until it has been.
	offlineDefault = 30 * 24 * time.Hour
)

// connsNow is how many connections there may be with the files that this process may open.
func connsNow() int {
	return max(filesKept/8, min(connsMost, process.Files()-filesKept))
}

// modern has a TLS configuration take 1.3, which consoles need, and 1.2 with forward secrecy and authenticated
// encryption alone, for a carrier that has no more.
func modern(c *tls.Config) *tls.Config {
	if c == nil {
		return nil
	}
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	c.CipherSuites = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return c
}
