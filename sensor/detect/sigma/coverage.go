package sigma

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Technique is an ATT&CK technique with the rules that look for it.
type Technique struct {
	ID      string   // T1059, T1059.004
	Tactics []string // that the rules name beside it
	Rules   []*Rule
}

// Level is the highest of its rules.
func (t Technique) Level() Level {
	most := None
	for _, r := range t.Rules {
		most = max(most, r.Level)
	}
	return most
}

// Coverage is every technique that a rule names, in order. Rules say so themselves: that a
// technique has rules does not mean that nothing of it gets past them.
func Coverage(rules []*Rule) []Technique {
	by := map[string]*Technique{}
	for _, r := range rules {
		for _, id := range r.Techniques() {
			t := by[id]
			if t == nil {
				t = &Technique{ID: id}
				by[id] = t
			}
			t.Rules = append(t.Rules, r)
			t.Tactics = append(t.Tactics, r.Tactics()...)
		}
	}
	list := make([]Technique, 0, len(by))
	for _, t := range by {
		slices.Sort(t.Tactics)
		t.Tactics = slices.Compact(t.Tactics)
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Technique) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// layer is a layer of ATT&CK Navigator, format 4.5.
// https://github.com/mitre-attack/attack-navigator/blob/master/layers/LAYERFORMATv4_5.md
type layer struct {
	Name        string           `json:"name"`
	Versions    layerVersions    `json:"versions"`
	Domain      string           `json:"domain"`
	Description string           `json:"description"`
	Filters     layerFilters     `json:"filters"`
	Sorting     int              `json:"sorting"`
	Techniques  []layerTechnique `json:"techniques"`
	Gradient    layerGradient    `json:"gradient"`
}

type layerVersions struct {
	Navigator string `json:"navigator"`
	Layer     string `json:"layer"`
}

type layerFilters struct {
	Platforms []string `json:"platforms"`
}

type layerTechnique struct {
	ID       string `json:"techniqueID"`
	Score    int    `json:"score"`
	Comment  string `json:"comment"`
	Enabled  bool   `json:"enabled"`
	ShowSubs bool   `json:"showSubtechniques"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

// Navigator is the coverage as a layer of ATT&CK Navigator: the score of a technique is how
// many rules name it, its comment their titles.
func Navigator(name string, covered []Technique) ([]byte, error) {
	l := layer{Name: name, Versions: layerVersions{"4.9.0", "4.5"}, Domain: "enterprise-attack", Sorting: 3,
		Description: fmt.Sprintf("%d techniques that Sigma rules of %s look for. The score is the number of rules.", len(covered), name),
		Filters:     layerFilters{[]string{"Linux"}}, Gradient: layerGradient{[]string{"#dbe9f6", "#08519c"}, 0, 1}}
	for _, t := range covered {
		titles := make([]string, len(t.Rules))
		for i, r := range t.Rules {
			titles[i] = r.Title
		}
		parent := !strings.Contains(t.ID, ".")
		l.Techniques = append(l.Techniques, layerTechnique{t.ID, len(t.Rules), strings.Join(titles, "; "), true, parent})
		l.Gradient.Max = max(l.Gradient.Max, len(t.Rules))
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the layer: %w", err)
	}
	return append(text, '\n'), nil
}
