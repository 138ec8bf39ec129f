package feeds

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
)

const barred = "it is at an address that is not called: internal: yes at the feed allows those of your own network, and nothing allows a metadata service"

// way is how one feed is reached.
type way struct {
	feed   plan.Feed
	secret string
	now    func() time.Time
	http   *http.Client
	wall   *wall
	left   int64 // bytes that may still come
}

// wall is the transport; it remembers why it did not connect.
type wall struct {
	*http.Transport
	hit error // of the last call
}

// RoundTrip is http.RoundTripper's.
func (w *wall) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.Transport.RoundTrip(r)
	var no *rest.Barred
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &no):
		w.hit = incident.GiveUp(no)
	case errors.As(err, &cert):
		w.hit = incident.GiveUp(errors.New("its certificate is not one that this machine trusts"))
	}
	return resp, err
}

// way makes the way to a feed. It fails where the configuration has no such token.
func (s *Subscriptions) way(f plan.Feed) (*way, error) {
	w := &way{feed: f, now: s.c.Now, left: mostBytes, wall: &wall{Transport: rest.Transport(f.Internal, barred)}}
	w.wall.TLSClientConfig.RootCAs = s.c.Trust
	w.http = &http.Client{Transport: w.wall, CheckRedirect: w.follow}
	if f.Token == "" {
		return w, nil
	}
	ok := false
	if s.c.Token != nil {
		w.secret, ok = s.c.Token(f.Token)
	}
	if !ok || w.secret == "" {
		return nil, incident.GiveUp(fmt.Errorf("TOCSIN_FEED_TOKENS holds nothing named %s", f.Token))
	}
	return w, nil
}

// follow allows what stays on the host: a feed must not make us ask our own network, nor show
// its secret to somebody else.
func (w *way) follow(r *http.Request, via []*http.Request) error {
	if first := via[0].URL; len(via) > 5 || r.URL.Scheme != "https" || !strings.EqualFold(r.URL.Host, first.Host) || r.URL.User != nil {
		return http.ErrUseLastResponse
	}
	return nil
}

func (w *way) close() { w.wall.CloseIdleConnections() }

// answer is what came. Body is there unless nothing has changed.
type answer struct {
	io.ReadCloser
	unchanged     bool
	tag, modified string
}

// get asks for one address. With tag or modified it may answer that nothing has changed.
func (w *way) get(ctx context.Context, address, tag, modified string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, incident.GiveUp(errors.New("its address cannot be asked for"))
	}
	r.Header.Set("User-Agent", "tocsin")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Accept-Encoding", "identity") // a bomb is not inflated
	w.sign(r)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	if modified != "" {
		r.Header.Set("If-Modified-Since", modified)
	}
	resp, err := w.http.Do(r) //nolint:bodyclose // the answer closes it
	if err != nil {
		return nil, w.unreached(ctx)
	}
	a := &answer{ReadCloser: &measured{resp.Body, w}, tag: resp.Header.Get("ETag"), modified: resp.Header.Get("Last-Modified")}
	if resp.StatusCode == http.StatusNotModified && (tag != "" || modified != "") {
		a.unchanged = true
		return a, a.Close()
	}
	if err := w.judge(resp); err != nil {
		_ = a.Close()
		return nil, err
	}
	if len(a.tag) > 1024 || len(a.modified) > 100 {
		a.tag, a.modified = "", ""
	}
	return a, nil
}

// sign puts the secret where the feed wants it. MISP takes its keys bare.
func (w *way) sign(r *http.Request) {
	switch {
	case w.secret == "":
	case w.feed.User != "":
		r.SetBasicAuth(w.feed.User, w.secret)
	case w.feed.Header != "":
		r.Header.Set(w.feed.Header, w.secret)
	case w.feed.Kind == "misp":
		r.Header.Set("Authorization", w.secret)
	default:
		r.Header.Set("Authorization", "Bearer "+w.secret)
	}
}

// unreached says why nothing was answered, in no words but ours.
func (w *way) unreached(ctx context.Context) error {
	switch {
	case w.wall.hit != nil:
		return w.wall.hit
	case ctx.Err() != nil:
		return errors.New("it did not answer in time")
	}
	return errors.New("it cannot be reached")
}

// judge is nil for an answer that may be read.
func (w *way) judge(resp *http.Response) error {
	code := resp.StatusCode
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return incident.Later(fmt.Errorf("it answered %d", code), w.retryAfter(resp.Header))
	case code >= 500 || code == http.StatusRequestTimeout:
		return fmt.Errorf("it answered %d", code)
	case code >= 300 && code < 400:
		return incident.GiveUp(fmt.Errorf("it redirects to %s, where nothing is sent: write that address into the plan if you trust it", elsewhere(resp)))
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return incident.GiveUp(fmt.Errorf("it answered %d: its token is not accepted, or none is named", code))
	case code != http.StatusOK:
		return incident.GiveUp(fmt.Errorf("it answered %d", code))
	case kind == "text/html" || kind == "application/xhtml+xml":
		return incident.GiveUp(errors.New("it is a page for people, and no feed"))
	case resp.Header.Get("Content-Encoding") != "" && resp.Header.Get("Content-Encoding") != "identity":
		return incident.GiveUp(errors.New("it is compressed, which was not asked for"))
	case resp.ContentLength > w.left:
		return errTooLarge
	}
	return nil
}

var errTooLarge = incident.GiveUp(fmt.Errorf("it is larger than %d MiB", mostBytes>>20))

func elsewhere(resp *http.Response) string {
	if u, err := url.Parse(resp.Header.Get("Location")); err == nil && u.Hostname() != "" {
		return cut(u.Scheme+"://"+u.Host, 100)
	}
	return "nowhere"
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func (w *way) retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return time.Duration(min(n, int(mostWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(w.now()))
	}
	return 0
}

// measured counts what comes over all answers of one reading. Beyond the bound it fails: a feed
// that is cut off looks like one that lists less.
type measured struct {
	io.ReadCloser
	way *way
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if m.way.left -= int64(n); m.way.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
