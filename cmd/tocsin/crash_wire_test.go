package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// blow is what happens at a boundary.
type blow int

const (
	spare      blow = iota
	killBefore      // the process dies and the call is never made
	killAfter       // the call is done, the process dies, the answer is lost
	loseAnswer      // the call is done, the answer is lost, the process lives
)

// boundary is a call between Tocsin and a vendor, in either direction.
type boundary struct {
	Vendor string // "slack", "pagerduty", "github", or "door" for what vendors send
	Method string
	Body   []byte
}

func (b boundary) name() string { return b.Vendor + " " + b.Method }

// outward stands between Tocsin and a vendor.
func (r *rig) outward(vendor, base string) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		r.flying.Add(1)
		defer r.flying.Add(-1)
		path, born := q.URL.Path, int64(0)
		if rest, ok := strings.CutPrefix(path, "/g"); ok {
			n, after, _ := strings.Cut(rest, "/")
			born, _ = strconv.ParseInt(n, 10, 64)
			path = "/" + after
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // cut off by a kill
		}
		method := q.Method + " " + path
		if vendor == "slack" {
			method = strings.TrimPrefix(path, "/api/")
		}
		b := boundary{vendor, method, body}
		v := r.living()
		hit := r.hit(b)
		if hit == killBefore {
			r.kill(v)
			panic(http.ErrAbortHandler)
		}
		resp, answer, err := r.carry(q, base+path, body, born)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		switch hit {
		case killAfter:
			r.kill(v)
			panic(http.ErrAbortHandler)
		case loseAnswer:
			panic(http.ErrAbortHandler)
		}
		pass(w, resp, answer)
	}
}

func (r *rig) hit(b boundary) blow {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strike == nil {
		return spare
	}
	hit := r.strike(b)
	if hit != spare {
		r.tally[map[blow]string{killBefore: "before ", killAfter: "done, answer lost, killed: ", loseAnswer: "done, answer lost: "}[hit]+b.Vendor]++
	}
	return hit
}

// carry does the call, unless whoever made it is dead.
func (r *rig) carry(q *http.Request, url string, body []byte, born int64) (*http.Response, []byte, error) {
	r.calling.RLock()
	defer r.calling.RUnlock()
	if born != 0 && born != r.generation.Load() {
		return nil, nil, errors.New("its maker is dead")
	}
	if q.URL.RawQuery != "" {
		url += "?" + q.URL.RawQuery
	}
	return r.send(q, url, body)
}

func (r *rig) send(q *http.Request, url string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(q.Context()), q.Method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header = q.Header.Clone()
	req.Header.Del("Accept-Encoding")
	resp, err := r.calls.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp, answer, err
}

func pass(w http.ResponseWriter, resp *http.Response, answer []byte) {
	for name, values := range resp.Header {
		if name != "Content-Length" && name != "Transfer-Encoding" && name != "Connection" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

// inward stands between the vendors and Tocsin: what is not acknowledged is delivered
// again, byte for byte, until it is.
func (r *rig) inward(w http.ResponseWriter, q *http.Request) {
	r.pending.Add(1)
	defer r.pending.Add(-1)
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	b := boundary{"door", q.URL.Path, body}
	for range 400 {
		v := r.living()
		if v == nil {
			return // the test is over
		}
		hit := r.hit(b)
		if hit == killBefore {
			r.kill(v)
			continue
		}
		resp, answer, err := r.send(q, "http://"+r.orders.Listen+q.URL.Path, body)
		switch {
		case err == nil && (hit == killAfter || hit == loseAnswer):
			if hit == killAfter {
				r.kill(v)
			}
			continue
		case err == nil && resp.StatusCode != http.StatusServiceUnavailable:
			if resp.StatusCode >= 300 {
				r.t.Errorf("%s answered %s: %s", q.URL.Path, resp.Status, answer)
			}
			pass(w, resp, answer)
			return
		}
		time.Sleep(25 * time.Millisecond) // it is being started again
	}
	r.t.Errorf("%s was never taken", q.URL.Path)
}
