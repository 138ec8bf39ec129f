package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// vendorTakes is how long every vendor takes over every call.
const vendorTakes = 200 * time.Millisecond

// BenchmarkAimDeclare: from `declare p1` to the room, with its people, its summary and
// the pin, and to the page, where every vendor's call takes 200 ms. Some calls have to
// wait for others; the longest chain of such is the shortest anybody could take. A
// call had to wait for another when it names something that the other's answer
// brought first: a channel, a message, an incident of PagerDuty.
func BenchmarkAimDeclare(b *testing.B) {
	w := worldOf(b)
	wire := &listener{client: &http.Client{Timeout: 20 * time.Second}}
	orders := serverOrders{Database: filepath.Join(b.TempDir(), "tocsin.db")}.inWorld(w)
	for vendor, to := range map[string]*string{"slack": &orders.Slack, "pagerduty": &orders.PagerDuty, "github": &orders.GitHub} {
		u, err := url.Parse(*to)
		if err != nil {
			b.Fatal(err)
		}
		between := httptest.NewServer(wire.between(vendor, "http://"+u.Host))
		b.Cleanup(between.Close)
		*to = between.URL + u.Path
		if vendor == "slack" {
			w.Slack.SetBaseURL(between.URL)
		}
	}
	s := startServer(b, orders)
	defer s.stop(b)
	moveIn(b, w, s)
	team, general := teamOf(b, w), w.Slack.AddChannel("bench", false, "U0ALICE01")
	client := &http.Client{Timeout: 10 * time.Second}
	targets := []struct {
		what    string
		methods []string
	}{
		{"declare to room, people, summary and pin", []string{"conversations.create", "conversations.invite", "chat.postMessage", "pins.add"}},
		{"declare to page", []string{"enqueue"}},
	}
	ratios := [2][]float64{}
	paths := [2][]float64{}
	for n := range 6 {
		wire.start()
		began := time.Now()
		said, err := slash(b.Context(), client, s.url, w.SigningSecret, url.Values{
			"team_id": {team}, "channel_id": {general}, "user_id": {"U0ALICE01"}, "command": {"/incident"},
			"text": {"declare p1 token on a paste site"}, "trigger_id": {fmt.Sprintf("bench.%d", time.Now().UnixNano())}, "response_url": {w.SlackURL + "nobody"},
		})
		if err != nil {
			b.Fatal(err, said)
		}
		calls := wire.until(func(calls []call) bool {
			return has(calls, "pins.add") && has(calls, "conversations.invite") && has(calls, "enqueue")
		})
		time.Sleep(3 * time.Second) // what follows from one is not counted with the next
		if n == 0 {
			continue // people and accounts are looked up once
		}
		var list strings.Builder
		chain(calls, wire.known)
		for k, t := range targets {
			at, path := reach(calls, t.methods...)
			ratios[k] = append(ratios[k], float64(at.Sub(began))/float64(path))
			paths[k] = append(paths[k], float64(path))
		}
		for _, c := range calls {
			fmt.Fprintf(&list, "%9s to %9s %-9s %s, at the end of a chain of %s\n", ms(c.start.Sub(began)), ms(c.end.Sub(began)), c.vendor, c.method, ms(c.path))
		}
		if dir := os.Getenv("TOCSIN_BENCH_DIR"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, "declare.txt"), []byte(list.String()), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	for k, t := range targets {
		measured(b, t.what+", 200 ms for each call", "under 1.2 × the longest chain of calls",
			fmt.Sprintf("%.2f × the chain of %s that answers make", median(ratios[k]), ms(time.Duration(median(paths[k])))))
	}
	b.ReportMetric(median(ratios[0]), "room/chain")
	b.ReportMetric(median(ratios[1]), "page/chain")
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// call is one that was made of a vendor.
type call struct {
	vendor, method  string
	asked, answered string
	start, end      time.Time
	path            time.Duration // of the longest chain that ends with it
}

// listener stands between the server and its vendors, and writes down what goes over it.
type listener struct {
	client *http.Client

	// mu guards everything that follows.
	mu    sync.Mutex
	calls []call
	known map[string]bool // names that were there before
}

func (w *listener) between(vendor, base string) http.HandlerFunc {
	return func(to http.ResponseWriter, q *http.Request) {
		c := call{vendor: vendor, method: strings.TrimPrefix(q.URL.Path, "/api/"), start: time.Now()}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		req, err := http.NewRequestWithContext(context.WithoutCancel(q.Context()), q.Method, base+q.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			return
		}
		req.Header = q.Header.Clone()
		req.Header.Del("Accept-Encoding")
		resp, err := w.client.Do(req)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		time.Sleep(time.Until(c.start.Add(vendorTakes)))
		for name, values := range resp.Header {
			if name != "Content-Length" {
				to.Header()[name] = values
			}
		}
		to.WriteHeader(resp.StatusCode)
		_, _ = to.Write(answer)
		c.asked, c.answered, c.end = q.URL.RequestURI()+" "+unquote(string(body)), string(answer), time.Now()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = append(w.calls, c)
	}
}

// unquote makes a form readable, so that what it names is found in it.
func unquote(body string) string {
	if plain, err := url.QueryUnescape(body); err == nil {
		return plain
	}
	return body
}

// start forgets the calls so far, and remembers what they named.
func (w *listener) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		w.known = map[string]bool{}
	}
	for _, c := range w.calls {
		for _, name := range names.FindAllString(c.asked+" "+c.answered, -1) {
			w.known[name] = true
		}
	}
	w.calls = nil
}

// until waits for calls and gives them in the order they began.
func (w *listener) until(enough func([]call) bool) []call {
	for range 300 {
		w.mu.Lock()
		calls := slices.Clone(w.calls)
		w.mu.Unlock()
		if enough(calls) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := slices.SortedFunc(slices.Values(w.calls), func(a, b call) int { return a.start.Compare(b.start) })
	return calls
}

// names are what an answer can bring: channels, messages, incidents.
var names = regexp.MustCompile(`\b[CGD][A-Z0-9]{8,}\b|\b\d{10}\.\d{6}\b|\b[PQ][A-Z0-9]{6,}\b`)

// chain finds for each call the longest chain of calls that had to come before.
func chain(calls []call, known map[string]bool) {
	first := map[string]int{} // the call whose answer brought a name first
	for i, c := range calls {
		for _, name := range names.FindAllString(c.answered, -1) {
			if had, ok := first[name]; !known[name] && (!ok || c.end.Before(calls[had].end)) {
				first[name] = i
			}
		}
	}
	for i := range calls {
		c := &calls[i]
		before := time.Duration(0)
		after := func(k int) {
			if k != i && !calls[k].end.After(c.start) {
				before = max(before, calls[k].path)
			}
		}
		for _, name := range names.FindAllString(c.asked, -1) {
			if k, ok := first[name]; ok {
				after(k)
			}
		}
		c.path = c.end.Sub(c.start) + before
	}
}

func has(calls []call, method string) bool {
	return slices.ContainsFunc(calls, func(c call) bool { return strings.Contains(c.method, method) })
}

// reach is when the first call of each method had ended, of those that speak of
// something new, and the longest chain that leads to one of them.
func reach(calls []call, methods ...string) (at time.Time, path time.Duration) {
	for _, method := range methods {
		i := slices.IndexFunc(calls, func(c call) bool {
			inRoom := c.vendor == "pagerduty" || c.path > c.end.Sub(c.start) || method == "conversations.create"
			return strings.Contains(c.method, method) && inRoom
		})
		if i < 0 {
			continue
		}
		if calls[i].end.After(at) {
			at = calls[i].end
		}
		path = max(path, calls[i].path)
	}
	return at, path
}
