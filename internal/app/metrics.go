package app

import (
	"context"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

// metrics counts what the server does. No label names an incident, a person, a
// channel or a text: whoever may look at graphs may not look into rooms.
type metrics struct {
	commands *prometheus.HistogramVec
	attempts *prometheus.CounterVec
	took     *prometheus.HistogramVec
	late     prometheus.Histogram
	calls    *prometheus.CounterVec
	waits    *prometheus.CounterVec
	lag      prometheus.Histogram
}

var _ engine.Observer = (*metrics)(nil)

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tocsin_command_seconds", Help: "How long commands took, by kind and how they ended: accepted, refused, failed.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"kind", "end"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tocsin_effect_attempts_total", Help: "Attempts at effects, by kind and how they ended: done, dropped, dead, retried, postponed, lost.",
		}, []string{"kind", "end"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tocsin_effect_done_seconds", Help: "From when an effect fell due to when it was done, by kind.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 10800},
		}, []string{"kind"}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tocsin_clock_late_seconds", Help: "How late clocks rang.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tocsin_vendor_calls_total", Help: "Calls of vendors, by method and status; status 0: no answer.",
		}, []string{"vendor", "method", "status"}),
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tocsin_budget_waits_total", Help: "Calls put off because the vendor's budget was spent.",
		}, []string{"vendor", "method"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tocsin_capture_lag_seconds", Help: "From when something was said or done in a room, by Slack's clock, to when it was on disk. What is back-filled is not counted.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
	}
	r.MustRegister(m.commands, m.attempts, m.took, m.late, m.calls, m.waits, m.lag)
	return m
}

// Handled counts a command.
func (m *metrics) Handled(kind string, end engine.HandleEnd, took time.Duration) {
	m.commands.WithLabelValues(kind, string(end)).Observe(took.Seconds())
}

// Settled counts an attempt at an effect.
func (m *metrics) Settled(_ incident.Task, kind string, end engine.TaskEnd, late time.Duration) {
	m.attempts.WithLabelValues(kind, string(end)).Inc()
	if end != engine.Done {
		return
	}
	m.took.WithLabelValues(kind).Observe(late.Seconds())
	if kind == "wake" {
		m.late.Observe(late.Seconds())
	}
}

// captured counts how late something was captured.
func (m *metrics) captured(lag time.Duration) { m.lag.Observe(lag.Seconds()) }

// waited counts a call that has to wait for its budget.
func (m *metrics) waited(vendor, method string, err error) error {
	if _, ok := incident.LaterBy(err); ok && m != nil {
		m.waits.WithLabelValues(vendor, strings.TrimPrefix(method, vendor+"/")).Inc()
	}
	return err
}

// client is an HTTP client that counts.
func (m *metrics) client(vendor string, patience time.Duration) *http.Client {
	if m == nil { // doctor, who counts nothing
		return &http.Client{Timeout: patience}
	}
	return &http.Client{Timeout: patience, Transport: counting{m, vendor, http.DefaultTransport}}
}

type counting struct {
	m      *metrics
	vendor string
	inner  http.RoundTripper
}

// RoundTrip counts one call. Only Slack's paths name methods; the others' hold ids.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	method := r.Method
	if c.vendor == "slack" {
		if method = path.Base(r.URL.Path); !strings.Contains(method, ".") || !strings.HasSuffix(path.Dir(r.URL.Path), "/api") {
			method = "response_url" // a one-time address
			if r.Method == http.MethodGet {
				method = "files.download"
			}
		}
	}
	resp, err := c.inner.RoundTrip(r)
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	c.m.calls.WithLabelValues(c.vendor, method, strconv.Itoa(status)).Inc()
	return resp, err
}

// owing collects, when asked, what stands in the database.
type owing struct {
	app                      *App
	open, longest, dead      *prometheus.Desc
	sockets, up, incidentsBy *prometheus.Desc
}

func newOwing(a *App) *owing {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &owing{
		app:         a,
		open:        d("tocsin_effects_open", "Effects that are not done, by kind and where they stand: later, due, queued.", "kind", "stands"),
		longest:     d("tocsin_effect_longest_due_seconds", "Age of the effect that has been due for longest, by kind; of clocks (wake): how late one is.", "kind"),
		dead:        d("tocsin_effects_dead", "Effects that were given up, by kind.", "kind"),
		sockets:     d("tocsin_slack_sockets", "Socket Mode connections to Slack."),
		up:          d("tocsin_database_up", "1 while the database answers."),
		incidentsBy: d("tocsin_incidents", "Incidents that are open or resolved, by severity.", "severity", "status"),
	}
}

// Describe names what is collected.
func (o *owing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{o.open, o.longest, o.dead, o.sockets, o.up, o.incidentsBy} {
		to <- d
	}
}

// Collect asks the database; one that does not answer costs two seconds.
func (o *owing) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	connected := 0.0
	if o.app.slack.Connected() {
		connected = 1
	}
	gauge(o.sockets, connected)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	list, err := o.app.db.Owing(ctx, o.app.clock.Now())
	if err != nil {
		gauge(o.up, 0)
		return
	}
	gauge(o.up, 1)
	for _, k := range list {
		gauge(o.open, float64(k.Later), k.Kind, "later")
		gauge(o.open, float64(k.Due), k.Kind, "due")
		gauge(o.open, float64(k.Queued), k.Kind, "queued")
		gauge(o.longest, k.Longest.Seconds(), k.Kind)
		gauge(o.dead, float64(k.Dead), k.Kind)
	}
	o.incidents(ctx, gauge)
}

func (o *owing) incidents(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	counts, err := o.app.db.Counts(ctx)
	if err != nil {
		return
	}
	for _, c := range counts {
		if c.Status == incident.Open || c.Status == incident.Resolved {
			gauge(o.incidentsBy, float64(c.N), c.Severity.String(), string(c.Status))
		}
	}
}
