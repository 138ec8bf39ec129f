package feeds_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/plan"
)

// mispFeed is the folder of a MISP feed: a manifest, and a file for each event.
type mispFeed struct {
	events map[string]mispEvent
	asked  []string
	broken string // this event ends in the middle
}

type mispEvent struct {
	at     time.Time
	values []string // addresses
}

func event(n int) string { return fmt.Sprintf("5a0e1c2b-0000-4000-8000-%012d", n) }

func (m *mispFeed) answer(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	m.asked = append(m.asked, name)
	w.Header().Set("Content-Type", "application/json")
	if name == "manifest.json" {
		list := map[string]any{}
		for id, e := range m.events {
			list[id] = map[string]any{"info": "Lazy Bear", "Orgc": map[string]string{"name": "CERT"}, "timestamp": fmt.Sprint(e.at.Unix())}
		}
		_ = json.NewEncoder(w).Encode(list)
		return
	}
	id := strings.TrimSuffix(name, ".json")
	e, ok := m.events[id]
	if !ok {
		http.NotFound(w, r)
		return
	}
	var attributes []any
	for i, v := range e.values {
		attributes = append(attributes, map[string]any{"uuid": fmt.Sprintf("5a0e1c2b-1111-4000-8000-%012d", i), "type": "ip-dst", "value": v, "to_ids": true})
	}
	raw, _ := json.Marshal(map[string]any{"Event": map[string]any{"uuid": id, "info": "Lazy Bear", "Attribute": attributes, "Tag": []any{map[string]string{"name": "tlp:red"}}}})
	if id == m.broken {
		raw = raw[:len(raw)/2]
	}
	_, _ = w.Write(raw)
}

func (m *mispFeed) since() []string {
	out := m.asked
	m.asked = nil
	return out
}

func TestOfAMISPFeedOnlyTheEventsThatChangedAreRead(t *testing.T) {
	m := &mispFeed{events: map[string]mispEvent{
		event(1): {began.Add(-time.Hour), []string{"203.0.113.1", "0.0.0.0/0"}},
		event(2): {began.Add(-20 * 24 * time.Hour), []string{"203.0.113.2"}},
		event(3): {began.Add(-400 * 24 * time.Hour), []string{"203.0.113.3"}},
	}}
	r := begin(t)
	r.named = []plan.Feed{feed("misp", r.serve(m.answer)+"/feed/")}
	st := r.read()
	r.trouble(st, "")
	r.has("203.0.113.1", "203.0.113.2") // the third was over long ago
	if got := m.since(); len(got) != 3 || st.Label() != "TLP:RED" {
		t.Errorf("%q %s", got, st.Label())
	}
	if st.Refused != 1 || !strings.Contains(st.First[0], "event "+event(1)) {
		t.Errorf("%q", st.First)
	}
	for in := range r.set().All() {
		if !in.Expires.Equal(m.events[in.Ref].at.Add(r.named[0].Life)) {
			t.Errorf("%s counts until %s", in.Value, in.Expires)
		}
	}
	// One changes, one comes, one is withdrawn.
	m.events[event(1)] = mispEvent{began.Add(time.Minute), []string{"203.0.113.11"}}
	m.events[event(4)] = mispEvent{began.Add(time.Minute), []string{"203.0.113.4"}}
	delete(m.events, event(2))
	r.trouble(r.after(time.Hour).read(), "")
	r.has("203.0.113.11", "203.0.113.4")
	if got := m.since(); len(got) != 3 {
		t.Errorf("%q", got)
	}
	r.read()
	r.after(time.Hour).read()
	if got := m.since(); len(got) != 1 {
		t.Errorf("nothing changed, and it asked for %q", got)
	}
	// Half an event is none, and the others wait for it.
	m.events[event(5)] = mispEvent{r.now, []string{"203.0.113.5"}}
	m.events[event(6)] = mispEvent{r.now, []string{"203.0.113.6"}}
	m.broken = event(6)
	r.trouble(r.after(time.Hour).read(), "event "+event(6))
	r.has("203.0.113.11", "203.0.113.4")
	m.broken = ""
	r.trouble(r.after(time.Hour).read(), "")
	r.has("203.0.113.11", "203.0.113.4", "203.0.113.5", "203.0.113.6")
	m.events = nil
	r.trouble(r.after(time.Hour).read(), "lists nothing any more")
	r.has("203.0.113.11", "203.0.113.4", "203.0.113.5", "203.0.113.6")
}

func TestAnArchiveThatIsTooLargeIsRefused(t *testing.T) {
	m := &mispFeed{events: map[string]mispEvent{}}
	for i := range 2001 {
		m.events[event(i)] = mispEvent{began.Add(-time.Hour), nil}
	}
	r := begin(t)
	r.named = []plan.Feed{feed("misp", r.serve(m.answer)+"/manifest.json")}
	r.trouble(r.read(), "2001 of its events count still")
	if got := m.since(); len(got) != 1 {
		t.Errorf("it asked for %d", len(got))
	}
}
