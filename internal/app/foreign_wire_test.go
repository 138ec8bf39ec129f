package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// exchange is one call that went over a wire, with the path the vendor's description
// has.
type exchange struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
	Status              int
	AnswerHeader        http.Header
	Answer              []byte
}

// wire lies between Tocsin and a vendor. It hands everything on as it is, but for a
// leading part of the path that the other side does not have, keeps it, and holds it
// against the vendor's description.
type wire struct {
	URL     string
	to      string    // base URL of the other side
	strip   string    // taken off the front of each path
	law     *contract // nil: anything goes
	answers bool      // the answers are judged too
	bearer  bool      // the other side wants the token of a form in the header

	mu        sync.Mutex // guards what follows
	exchanges []exchange
	faults    []string
}

// maxWire bounds what one call may carry, in bytes.
const maxWire = 32 << 20

// lay opens a wire; it ends with the test.
func lay(t *testing.T, w *wire) *wire {
	t.Helper()
	w.to = strings.TrimSuffix(w.to, "/")
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// ServeHTTP carries one call.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxWire))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, w.strip)
	onward := url.URL{Path: path, RawQuery: r.URL.RawQuery}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, w.to+onward.String(), bytes.NewReader(body))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	if token, err := url.ParseQuery(string(body)); w.bearer && err == nil && token.Get("token") != "" {
		req.Header.Set("Authorization", "Bearer "+token.Get("token"))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxWire))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	w.keep(exchange{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body,
		Status: resp.StatusCode, AnswerHeader: resp.Header.Clone(), Answer: answer})
	for name, values := range resp.Header {
		if name != "Content-Length" && name != "Transfer-Encoding" && name != "Connection" {
			rw.Header()[name] = values
		}
	}
	rw.WriteHeader(resp.StatusCode)
	_, _ = rw.Write(answer)
}

func (w *wire) keep(e exchange) {
	var faults []string
	if w.law != nil {
		faults = w.law.judge(e, w.answers)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, e)
	for _, f := range faults {
		f += " | sent " + cutText(string(e.Body), 300)
		if w.answers {
			f += " | got " + cutText(string(e.Answer), 300)
		}
		w.faults = append(w.faults, f)
	}
}

func cutText(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// all are the calls so far.
func (w *wire) all() []exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]exchange{}, w.exchanges...)
}

// sent are the calls of a method whose path ends so.
func (w *wire) sent(method, end string) (out []exchange) {
	for _, e := range w.all() {
		if e.Method == method && strings.HasSuffix(e.Path, end) {
			out = append(out, e)
		}
	}
	return out
}

// objections are how many deviations were seen so far.
func (w *wire) objections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.faults)
}

// clean fails the test for every deviation from the description, each once.
func (w *wire) clean(t *testing.T, who string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, f := range w.faults {
		short, _, _ := strings.Cut(f, " | ")
		if !seen[short] {
			t.Errorf("%s: %s", who, f)
		}
		seen[short] = true
	}
	kinds := map[string]int{}
	for _, e := range w.exchanges {
		kinds[e.Method]++
	}
	t.Logf("%s: %d calls %v, %d deviations", who, len(w.exchanges), kinds, len(w.faults))
}
