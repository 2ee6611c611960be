package relay

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/triage"
)

// Measures are what a relay tells of itself: numbers alone, never whose. A nil one counts nothing.
type Measures struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec
	refusals *prometheus.CounterVec
	carrier  *prometheus.CounterVec
	codes    map[int]bool // that carrier has a label for; the desk's goroutine alone counts
	failures prometheus.Counter
	appends  prometheus.Histogram
}

// NewMeasures makes the counters; a relay that is given them adds what it stands at.
func NewMeasures() *Measures {
	m := &Measures{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "befree_events_total", Help: "Events put on disk, by kind: received is a text that came in, send_accepted one that the carrier took.",
		}, []string{"kind"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "befree_refusals_total", Help: "Commands that the rules did not allow, by code.",
		}, []string{"code"}),
		carrier: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "befree_carrier_refusals_total", Help: "Texts that the carrier did not take, or took and did not deliver, by its code: 21610 opted out, 30007 filtered, 30036 not in time.",
		}, []string{"code"}),
		codes: map[int]bool{},
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "befree_append_failures_total", Help: "Times that the log could not be written to.",
		}),
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "befree_append_seconds", Help: "From deciding a batch until it is on stable storage.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16),
		}),
	}
	m.registry.MustRegister(m.events, m.refusals, m.carrier, m.failures, m.appends, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// committed counts what became of a batch.
func (m *Measures) committed(events []store.Event, answers []answer, took time.Duration, err error) {
	if m == nil {
		return
	}
	for _, a := range answers {
		var r *desk.Refusal
		if errors.As(a.err, &r) {
			m.refusals.WithLabelValues(label(string(r.Code))).Inc()
		}
	}
	switch {
	case err != nil:
		m.failures.Inc()
	case len(events) > 0:
		m.appends.Observe(took.Seconds())
		for _, e := range events {
			m.events.WithLabelValues(label(string(e.Kind))).Inc()
			if (e.Kind == desk.SendRefused || e.Kind == desk.Delivery) && e.Head.Code > 0 {
				m.carrier.WithLabelValues(m.code(e.Head.Code)).Inc()
			}
		}
	}
}

// codesMost bounds the codes that are told apart: they come from outside.
const codesMost = 100

// code is the label of one of the carrier's codes.
func (m *Measures) code(n int) string {
	if !m.codes[n] && len(m.codes) == codesMost {
		return "other"
	}
	m.codes[n] = true
	return strconv.Itoa(n)
}

func label(words string) string { return strings.ReplaceAll(words, " ", "_") }

// A standing is how things are at the moment when somebody asks.
type standing struct {
	desk   *Desk
	line   *Line
	sweep  *Sweep
	folder string // whose disk counts; empty for none
	memory *memory
}

var (
	consolesDesc = describe("befree_consoles", "Consoles that are signed in.")
	behindDesc   = describe("befree_console_behind_events", "By how many events the console that is furthest behind is behind.")
	waitingDesc  = describe("befree_waiting", "Conversations that wait for somebody to take them.", "severity")
	longestDesc  = describe("befree_longest_wait_seconds", "How long the texter has waited who has waited longest, in anybody's hands or in none.", "severity")
	heldDesc     = describe("befree_held", "Conversations in somebody's hands.")
	floodsDesc   = describe("befree_floods", "Conversations whose number sends more texts than a person does.")
	unknownDesc  = describe("befree_sends_unknown", "Texts of which nobody knows whether the carrier took them.")
	pendingDesc  = describe("befree_sends_waiting", "Texts that are to go out.")
	lastDesc     = describe("befree_log_events", "Events in the log.")
	writableDesc = describe("befree_log_writable", "1 while the log takes events, 0 while what comes is turned away.")
	sweepDesc    = describe("befree_sweep_age_seconds", "Since the carrier's list was last seen whole; before the first time, since the start.")
	enoughDesc   = describe("befree_memory_enough", "1 while there is memory, 0 while new texts and consoles are refused.")
	memoryDesc   = describe("befree_memory_free_bytes", "Memory that the relay may still take before it refuses new texts and consoles.")
	diskDesc     = describe("befree_disk_free_bytes", "Room left on the disk of the data folder.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements [prometheus.Collector].
func (s standing) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, to) }

// Collect implements [prometheus.Collector].
func (s standing) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	waiting, longest, now := map[triage.Severity]int{}, map[triage.Severity]time.Duration{}, time.Now()
	var held, floods, unknown, pending, last float64
	s.desk.View(func(st *desk.State) {
		last = float64(st.Last())
		for c := range st.Conversations() {
			switch c.Phase {
			case desk.Waiting:
				waiting[c.Severity]++
			case desk.Held:
				held++
			}
			if c.Flooding(now) {
				floods++
			}
			if !c.Unanswered.IsZero() && c.Phase != desk.ClosedNow {
				longest[c.Severity] = max(longest[c.Severity], now.Sub(c.Unanswered))
			}
			for _, m := range c.Messages {
				switch m.Delivery {
				case desk.StatusUnknown:
					unknown++
				case desk.StatusWaiting:
					pending++
				}
			}
		}
	})
	for _, severity := range []triage.Severity{triage.Imminent, triage.High, triage.Standard, triage.Information} {
		gauge(waitingDesc, float64(waiting[severity]), severity.Word())
		gauge(longestDesc, longest[severity].Seconds(), severity.Word())
	}
	writable := 1.0
	if _, why := s.desk.Broken(); why != nil {
		writable = 0
	}
	gauge(heldDesc, held)
	gauge(floodsDesc, floods)
	gauge(unknownDesc, unknown)
	gauge(pendingDesc, pending)
	gauge(lastDesc, last)
	gauge(writableDesc, writable)
	consoles, behind := s.line.standing(uint64(last))
	gauge(consolesDesc, float64(consoles))
	gauge(behindDesc, float64(behind))
	gauge(sweepDesc, s.sweep.Age().Seconds())
	enough := 1.0
	if s.memory.short.Load() {
		enough = 0
	}
	gauge(enoughDesc, enough)
	if s.memory.most > 0 {
		gauge(memoryDesc, float64(s.memory.most)-float64(occupied()))
	}
	if free, ok := diskFree(s.folder); ok {
		gauge(diskDesc, float64(free))
	}
}

// Serve answers those who ask for the measures, at /metrics, until ctx ends.
func (m *Measures) Serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: requestTimeout}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, MaxHeaderBytes: maxHeader}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
