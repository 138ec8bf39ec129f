package taxii

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a TAXII 2.1 server with rules: it answers only who asks in TAXII 2.1 (406), with
// the right password (401), for what the account may read (403, 404), in pages no larger
// than it likes, sorted by when objects were added, with cursors that hold only together
// with the filters they were given for.
type server struct {
	*httptest.Server
	most int // objects in a page, whatever is asked for

	// mu guards everything that follows.
	mu      sync.Mutex
	objects []added
	asked   []string
	busy    int    // answer this many with 429 or 503 first
	wait    string // Retry-After of those
	status  int
	odd     func(w http.ResponseWriter, r *http.Request) bool // true: it answered
}

type added struct {
	kind string
	at   time.Time
	raw  json.RawMessage
}

const (
	user, password = "alice", "correct horse"
	shared         = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
	closed         = "52892447-4d7e-4f70-b94d-d7f22742ff63"
)

var began = time.Date(2026, 11, 1, 0, 0, 0, 123456000, time.UTC)

func newServer(t *testing.T, objects int) *server {
	s := &server{most: 10}
	for i := range objects {
		kind := "indicator"
		if i%3 == 2 {
			kind = "malware"
		}
		s.add(kind, began.Add(time.Duration(i)*time.Microsecond))
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) add(kind string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, _ := json.Marshal(map[string]any{"type": kind, "id": fmt.Sprintf("%s--%d", kind, len(s.objects))})
	s.objects = append(s.objects, added{kind, at, raw})
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.String())
	if s.odd != nil && s.odd(w, r) {
		return
	}
	if s.busy > 0 {
		s.busy--
		if s.wait != "" {
			w.Header().Set("Retry-After", s.wait)
		}
		s.refuse(w, s.status)
		return
	}
	u, p, ok := r.BasicAuth()
	bearer := r.Header.Get("Authorization") == "Bearer let-me-in"
	if !bearer && (!ok || u != user || subtle.ConstantTimeCompare([]byte(p), []byte(password)) != 1) {
		w.Header().Set("WWW-Authenticate", "Basic")
		s.refuse(w, http.StatusUnauthorized)
		return
	}
	if r.Header.Get("Accept") != MediaType {
		s.refuse(w, http.StatusNotAcceptable)
		return
	}
	switch r.URL.Path {
	case "/taxii2/":
		s.give(w, nil, map[string]any{"title": "Sharing group", "default": s.URL + "/api1/", "api_roots": []string{s.URL + "/api1/", "/api2/", "https://elsewhere.example/api/"}})
	case "/api1/":
		s.give(w, nil, map[string]any{"title": "First", "versions": []string{MediaType}, "max_content_length": 1 << 20})
	case "/api2/":
		s.give(w, nil, map[string]any{"title": "Old", "versions": []string{"application/taxii+json;version=2.0"}, "max_content_length": 1})
	case "/api1/collections/":
		s.give(w, nil, map[string]any{"collections": []Collection{{ID: shared, Title: "Shared", CanRead: true}, {ID: closed, Title: "Closed"}}})
	case "/api1/collections/" + shared + "/objects/":
		s.page(w, r)
	case "/api1/collections/" + closed + "/objects/":
		s.refuse(w, http.StatusForbidden)
	default:
		s.refuse(w, http.StatusNotFound)
	}
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		s.refuse(w, http.StatusBadRequest)
		return
	}
	filters := q.Get("added_after") + "|" + q.Get("match[type]")
	from := 0
	if next := q.Get("next"); next != "" {
		at, held, ok := strings.Cut(next, "|")
		if from, err = strconv.Atoi(at); !ok || err != nil || held != filters {
			s.refuse(w, http.StatusBadRequest)
			return
		}
	}
	var after time.Time
	if v := q.Get("added_after"); v != "" {
		if after, err = time.Parse(time.RFC3339Nano, v); err != nil {
			s.refuse(w, http.StatusBadRequest)
			return
		}
	}
	var fits []added
	for _, o := range s.objects {
		if o.at.After(after) && (q.Get("match[type]") == "" || slices.Contains(strings.Split(q.Get("match[type]"), ","), o.kind)) {
			fits = append(fits, o)
		}
	}
	end := min(len(fits), from+min(limit, s.most))
	e := map[string]any{}
	head := http.Header{}
	if from < end {
		var raws []json.RawMessage
		for _, o := range fits[from:end] {
			raws = append(raws, o.raw)
		}
		e["objects"] = raws
		head.Set("X-TAXII-Date-Added-First", fits[from].at.Format("2006-01-02T15:04:05.000000Z"))
		head.Set("X-TAXII-Date-Added-Last", fits[end-1].at.Format("2006-01-02T15:04:05.000000Z"))
	}
	if end < len(fits) {
		e["more"], e["next"] = true, strconv.Itoa(end)+"|"+filters
	}
	s.give(w, head, e)
}

func (s *server) give(w http.ResponseWriter, head http.Header, body any) {
	for k, v := range head {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", MediaType)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *server) refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", MediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"title": "no, and your password is " + password})
}
