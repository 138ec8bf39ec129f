// Package requestlog keeps which calls a vendor's server received, and says an ordered
// fault in the vendor's own words.
package requestlog

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const kept = 1000 // requests

// Request is one call the server received, without headers, body or query, so that
// no token is ever kept. A status of zero means the connection was cut on purpose.
type Request struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Status int       `json:"status"`
}

// Log keeps the last thousand calls. The zero value is ready, and safe for concurrent use.
type Log struct {
	// mu guards everything that follows.
	mu       sync.Mutex
	requests []Request
}

// Requests are the last thousand calls, oldest first.
func (l *Log) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Request(nil), l.requests...)
}

// Serve has next answer a call that came at the time given, and keeps the call. next is
// the server behind its faults (fault.Set.Wrap), and the server calls Reached; what is
// refused before that is answered with the JSON of words.
func (l *Log) Serve(w http.ResponseWriter, r *http.Request, at time.Time, next http.Handler, words func(status int) any) {
	rec := &recorder{ResponseWriter: w, words: words}
	defer func() { // also when a fault cuts the connection by panicking
		l.keep(Request{At: at, Method: r.Method, Path: r.URL.Path, Status: rec.status})
	}()
	next.ServeHTTP(rec, r)
}

// Reached says that no fault came before the server: the answer is its own.
func Reached(w http.ResponseWriter) {
	if rec, ok := w.(*recorder); ok {
		rec.reached = true
	}
}

func (l *Log) keep(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.requests) >= kept {
		l.requests = append(l.requests[:0], l.requests[len(l.requests)-kept+1:]...)
	}
	l.requests = append(l.requests, r)
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	words   func(status int) any
	status  int
	reached bool
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.reached || w.status < http.StatusBadRequest {
		return w.ResponseWriter.Write(b)
	}
	w.reached = true
	if err := json.NewEncoder(w.ResponseWriter).Encode(w.words(w.status)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
