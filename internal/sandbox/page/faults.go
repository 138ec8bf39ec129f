package page

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

// preset is a fault a visitor can switch on: the ones a war room meets.
type preset struct {
	Name string     `json:"name"`
	Text string     `json:"text"`
	Rule fault.Rule `json:"-"`
	// Vendor of the rule; "*" strikes every vendor there is.
	Vendor string `json:"vendor"`
}

var presets = []preset{
	{Name: "PagerDuty down", Text: "Every call to PagerDuty is answered with 503.", Vendor: "pagerduty", Rule: fault.Rule{Method: "*", Kind: fault.Down}},
	{Name: "PagerDuty loses answers", Text: "The page goes out, the answer never arrives.", Vendor: "pagerduty", Rule: fault.Rule{Method: "*", Kind: fault.Ambiguous}},
	{Name: "Slack rate-limit storm", Text: "Two calls in three get 429, try again in 5 s.", Vendor: "slack", Rule: fault.Rule{Method: "*", Kind: fault.RateLimit, RetryAfter: 5 * time.Second, Share: 0.66}},
	{Name: "Slack loses answers", Text: "A message is posted, the answer never arrives.", Vendor: "slack", Rule: fault.Rule{Method: "chat.*", Kind: fault.Ambiguous, Share: 0.5}},
	{Name: "GitHub errors", Text: "Every call to GitHub is answered with 502.", Vendor: "github", Rule: fault.Rule{Method: "*", Kind: fault.ServerError, Status: http.StatusBadGateway}},
	{Name: "Slow network", Text: "Every answer comes 200 ms late.", Vendor: "*", Rule: fault.Rule{Method: "*", Kind: fault.Latency, Delay: 200 * time.Millisecond}},
}

// offered are the presets whose vendor is there.
func (s *site) offered() []preset {
	out := []preset{}
	for _, p := range presets {
		if len(s.struck(p)) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// struck are the vendors a preset breaks, among those with a Set, in order.
func (s *site) struck(p preset) []string {
	var out []string
	for vendor, set := range s.Faults {
		if set != nil && (p.Vendor == "*" || p.Vendor == vendor) {
			out = append(out, vendor)
		}
	}
	slices.Sort(out)
	return out
}

func (s *site) faultRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/faults", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.active()) })
	verb(mux, "faults", s.switchFault)
}

type faultChange struct {
	Name  string `json:"name"` // of a preset
	On    bool   `json:"on"`
	Clear bool   `json:"clear"` // everything, whoever set it
}

func (s *site) switchFault(_ context.Context, in faultChange) (any, error) {
	if in.Clear {
		for _, set := range s.Faults {
			set.Clear()
		}
		return s.active(), nil
	}
	i := slices.IndexFunc(presets, func(p preset) bool { return p.Name == in.Name })
	if i < 0 {
		return nil, errors.New("no such fault: " + in.Name)
	}
	for _, vendor := range s.struck(presets[i]) {
		rule := presets[i].Rule
		rule.Vendor = vendor
		set := s.Faults[vendor]
		for _, a := range set.List() {
			if a.Rule == rule {
				set.Remove(a.ID)
			}
		}
		if in.On {
			set.Add(rule)
		}
	}
	return s.active(), nil
}

type activeFault struct {
	Vendor string `json:"vendor"`
	Name   string `json:"name"` // the preset's, or what the rule does
	Preset bool   `json:"preset"`
	Hits   int    `json:"hits"`
}

// active lists what is in force, by whomever it was set. One Set may serve several
// vendors and is then read once.
func (s *site) active() []activeFault {
	out := []activeFault{}
	seen := map[*fault.Set]bool{}
	for _, vendor := range s.struck(preset{Vendor: "*"}) {
		set := s.Faults[vendor]
		if seen[set] {
			continue
		}
		seen[set] = true
		for _, a := range set.List() {
			out = append(out, describe(vendor, a))
		}
	}
	return out
}

func describe(vendor string, a fault.Active) activeFault {
	if a.Rule.Vendor != "" && a.Rule.Vendor != "*" {
		vendor = a.Rule.Vendor
	}
	for _, p := range presets {
		rule := p.Rule
		rule.Vendor = a.Rule.Vendor
		if a.Rule == rule && (p.Vendor == "*" || p.Vendor == vendor) {
			return activeFault{Vendor: vendor, Name: p.Name, Preset: true, Hits: a.Hits}
		}
	}
	name := strings.ReplaceAll(string(a.Rule.Kind), "_", " ") + " on " + a.Rule.Method
	return activeFault{Vendor: vendor, Name: name, Hits: a.Hits}
}
