package github

import (
	"encoding/json"
	"net/http"
	"time"
)

const keptRequests = 1000

// Request is one call the server received, without headers, body or query, so that
// no token is ever kept. A status of zero means the connection was cut on purpose.
type Request struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Status int       `json:"status"`
}

// Requests are the last thousand calls, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

func (s *Server) note(r *http.Request, rec *recorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= keptRequests {
		s.requests = append(s.requests[:0], s.requests[len(s.requests)-keptRequests+1:]...)
	}
	s.requests = append(s.requests, Request{At: rec.at, Method: r.Method, Path: r.URL.Path, Status: rec.status})
}

// recorder remembers the status. An answer written before the request reached the
// server is an ordered fault: it is said again in the vendor's words.
type recorder struct {
	http.ResponseWriter
	at      time.Time
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
	body := obj{"message": "Server Error"}
	if w.status == http.StatusTooManyRequests {
		body = obj{"message": secondaryMessage, "documentation_url": secondaryDocs}
	}
	if err := json.NewEncoder(w.ResponseWriter).Encode(body); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
