package feeds_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/plan"
)

// taxiiServer is a TAXII 2.1 server with one collection: it answers whoever asks in TAXII 2.1 and
// has the password, in pages of two, sorted by when objects were added; its cursors hold only
// together with the filter they were given for.
type taxiiServer struct {
	objects []stixAdded
	asked   []string
	kind    string // of its answers
	busy    int
}

type stixAdded struct {
	at  time.Time
	raw map[string]any
}

const taxiiType = "application/taxii+json;version=2.1"

func (s *taxiiServer) add(at time.Time, id int, pattern string, more ...any) {
	raw := map[string]any{"type": "indicator", "spec_version": "2.1", "id": fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", id), "pattern_type": "stix",
		"pattern": pattern, "name": "C2 of Lazy Bear", "valid_from": "2026-11-01T00:00:00Z"}
	for i := 0; i+1 < len(more); i += 2 {
		raw[more[i].(string)] = more[i+1]
	}
	s.objects = append(s.objects, stixAdded{at, raw})
}

func (s *taxiiServer) answer(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.URL.RawQuery)
	user, password, _ := r.BasicAuth()
	q := r.URL.Query()
	switch {
	case s.busy > 0:
		s.busy--
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case user != "tocsin" || password != "s3cret":
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Header.Get("Accept") != taxiiType:
		w.WriteHeader(http.StatusNotAcceptable)
		return
	case r.URL.Path != "/api1/collections/c1/objects/":
		w.WriteHeader(http.StatusNotFound)
		return
	}
	after, _ := time.Parse(time.RFC3339Nano, q.Get("added_after"))
	var fits []stixAdded
	for _, o := range s.objects {
		if o.at.After(after) {
			fits = append(fits, o)
		}
	}
	from, _ := strconv.Atoi(q.Get("next"))
	end := min(len(fits), from+2)
	e := map[string]any{"more": end < len(fits)}
	if end < len(fits) {
		e["next"] = strconv.Itoa(end)
	}
	if from < end {
		var page []any
		for _, o := range fits[from:end] {
			page = append(page, o.raw)
		}
		e["objects"] = page
		w.Header().Set("X-TAXII-Date-Added-First", fits[from].at.Format(time.RFC3339Nano))
		w.Header().Set("X-TAXII-Date-Added-Last", fits[end-1].at.Format(time.RFC3339Nano))
	}
	kind := taxiiType
	if s.kind != "" {
		kind = s.kind
	}
	w.Header().Set("Content-Type", kind)
	_ = json.NewEncoder(w).Encode(e)
}

func taxiiRig(t *testing.T) (*rig, *taxiiServer) {
	r, s := begin(t), &taxiiServer{}
	f := feed("taxii", r.serve(s.answer)+"/api1/")
	f.Collection, f.User, f.Token = "c1", "tocsin", "shared"
	r.tokens["shared"] = "s3cret"
	r.named = []plan.Feed{f}
	for i := range 5 {
		s.add(began.Add(time.Duration(i-10)*time.Minute), i, fmt.Sprintf("[ipv4-addr:value = '203.0.113.%d']", i+1),
			"object_marking_refs", []string{"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"})
	}
	return r, s
}

func TestACollectionIsReadPageByPageAndThenOnlyWhatWasAdded(t *testing.T) {
	r, s := taxiiRig(t)
	st := r.read()
	r.trouble(st, "")
	r.has("203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5")
	if len(s.asked) != 3 || st.Label() != "TLP:AMBER" {
		t.Fatalf("%q %s", s.asked, st.Label())
	}
	for in := range r.set().All() {
		if in.Why != "C2 of Lazy Bear" || in.Source != "shared" {
			t.Errorf("%+v", in)
		}
	}
	// One is added, one changes, one is revoked, and one is ours.
	r.guarded.Own = append(r.guarded.Own, prefix("198.51.100.0/24"))
	s.add(began.Add(time.Minute), 9, "[domain-name:value = 'evil.example']")
	s.add(began.Add(2*time.Minute), 1, "[ipv4-addr:value = '203.0.113.77']")
	s.add(began.Add(3*time.Minute), 2, "[ipv4-addr:value = '203.0.113.3']", "revoked", true)
	s.add(began.Add(4*time.Minute), 10, "[ipv4-addr:value = '198.51.100.7']")
	st = r.after(time.Hour).read()
	r.trouble(st, "")
	r.has("203.0.113.1", "203.0.113.77", "203.0.113.4", "203.0.113.5", "evil.example")
	if got := s.asked[3]; got != "added_after=2026-11-26T07%3A54%3A00Z&limit=1000&match%5Btype%5D=indicator" {
		t.Errorf("it asked for %s", got)
	}
	if st.Refused != 2 || len(st.First) != 2 {
		t.Errorf("%d: %q", st.Refused, st.First)
	}
	// Nothing new is nothing new.
	r.trouble(r.after(time.Hour).read(), "")
	r.has("203.0.113.1", "203.0.113.77", "203.0.113.4", "203.0.113.5", "evil.example")
	// Once a day it is read whole: what the server dropped without a word goes.
	s.objects = s.objects[1:]
	r.trouble(r.after(24*time.Hour).read(), "")
	r.has("203.0.113.77", "203.0.113.4", "203.0.113.5", "evil.example")
}

func TestATroubledTAXIIServerChangesNothing(t *testing.T) {
	r, s := taxiiRig(t)
	r.read()
	all := r.hosts()
	same := func(want string) feeds.Standing {
		t.Helper()
		st := r.after(24 * time.Hour).read() // when it would be read whole
		r.trouble(st, want)
		r.has(all...)
		return st
	}
	s.busy = 1
	if st := same("429"); st.Next.Sub(r.now) != 10*time.Minute {
		t.Errorf("Retry-After: in %s", st.Next.Sub(r.now))
	}
	s.kind = "application/json"
	same("not TAXII 2.1")
	s.kind = ""
	objects := s.objects
	s.objects = nil
	same("lists nothing any more")
	s.objects = objects
	r.tokens["shared"] = "wrong"
	same("401")
	r.tokens["shared"] = "s3cret"
	if err := feeds.Look(t.Context(), r.config(), r.named[0]); err != nil {
		t.Error(err)
	}
	same("")
}
