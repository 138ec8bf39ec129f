package app

import (
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/mask"
)

// pasted finds secrets in what people write. What mask would hide only because it
// could not be searched is no finding.
type pasted struct{ mask mask.Mask }

// Find says what kinds of secrets a text holds.
func (p *pasted) Find(text string) []incident.FoundSecret {
	if len(text) > mask.MaxText {
		return nil
	}
	_, found := p.mask.Text(text)
	var out []incident.FoundSecret
	for _, f := range found {
		if f.Rule != "no rules" {
			out = append(out, incident.FoundSecret{Kind: f.Rule, Count: f.Count})
		}
	}
	return out
}
