package cloudflare

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Blocks are WAF custom rules, one for each target, first in the zone's ruleset. They
// are what Cloudflare recommends in place of IP Access rules, they take ranges of any
// length, and every plan has them (docs/adr/0041). Source:
// https://developers.cloudflare.com/waf/custom-rules/create-api/.
const phase = "http_request_firewall_custom"

func entrypoint(zone string) string {
	return path("zones", zone, "rulesets", "phases", phase, "entrypoint")
}

type ruleset struct {
	ID    string `json:"id"`
	Rules []rule `json:"rules"`
}

type rule struct {
	ID          string `json:"id,omitempty"`
	Ref         string `json:"ref"`
	Expression  string `json:"expression"`
	Action      string `json:"action"`
	Enabled     bool   `json:"enabled"`
	Description string `json:"description"`
}

// rules reads the custom rules of a zone; a zone that never had one has no ruleset.
func (c *cloudflare) rules(ctx context.Context, zone string) (ruleset, error) {
	var got ruleset
	err := c.call(ctx, rest.Call{Step: "read the custom rules", Method: http.MethodGet, Path: entrypoint(zone), Right: writeWAF}, &got)
	if rest.IsStatus(err, http.StatusNotFound) {
		return ruleset{}, nil
	}
	return got, err
}

// standing is how it stands with an expression, which of the rules is Tocsin's (-1: none),
// and whether a rule before it lets requests skip it.
func (s ruleset) standing(expression string) (state string, own int, skips bool) {
	state, own = isOpen, -1
	ref := refOf(expression)
	for i, r := range s.Rules {
		switch {
		case r.Ref == ref && r.Enabled && r.Action == "block" && r.Expression == expression:
			return isBlocked, i, skips
		case r.Ref == ref:
			return isChanged, i, skips
		case r.Enabled && r.Action == "block" && r.Expression == expression && state == isOpen:
			state = isOthers
		case r.Enabled && r.Action == "skip":
			skips = true
		}
	}
	return state, own, skips
}

// refOf names the rule for an expression, so that it is found again after a crash.
func refOf(expression string) string { return "tocsin_" + digest(expression) }

// add puts the rule in front of the others.
func (c *cloudflare) add(ctx context.Context, zone, expression, what string) error {
	set, err := c.rules(ctx, zone)
	if err != nil {
		return err
	}
	r := rule{Ref: refOf(expression), Expression: expression, Action: "block", Enabled: true, Description: "Tocsin: block " + what}
	if set.ID == "" {
		return c.call(ctx, rest.Call{Step: "make the custom rules", Method: http.MethodPost, Path: path("zones", zone, "rulesets"), Right: writeWAF,
			In: map[string]any{"name": "Custom rules", "kind": "zone", "phase": phase, "rules": []rule{r}}}, nil)
	}
	return c.call(ctx, rest.Call{Step: "add the rule", Method: http.MethodPost, Path: path("zones", zone, "rulesets", set.ID, "rules"), Right: writeWAF, In: struct {
		rule
		Position map[string]int `json:"position"`
	}{r, map[string]int{"index": 1}}}, nil)
}

// drop deletes Tocsin's rule.
func (c *cloudflare) drop(ctx context.Context, zone, expression string) error {
	set, err := c.rules(ctx, zone)
	if err != nil {
		return err
	}
	_, own, _ := set.standing(expression)
	if own < 0 {
		return nil
	}
	if set.Rules[own].ID == "" {
		return fmt.Errorf("delete the rule: Cloudflare does not name its id")
	}
	return c.call(ctx, rest.Call{Step: "delete the rule", Method: http.MethodDelete, Path: path("zones", zone, "rulesets", set.ID, "rules", set.Rules[own].ID), Right: writeWAF}, nil)
}
