package cloudflare

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(c *cloudflare) actions.Action { return underAttack{c} }) }

// underAttack turns on Under Attack mode of a zone, and restores the security level that
// it found (https://developers.cloudflare.com/fundamentals/reference/under-attack-mode/).
type underAttack struct{ *cloudflare }

const attack = "under_attack"

// levels are what a zone's security level can be.
var levels = []string{"off", "essentially_off", "low", "medium", "high", attack}

// security is the state of a zone.
type security struct {
	Level string `json:"level"`
}

func level(zone string) string { return path("zones", zone, "settings", "security_level") }

func (underAttack) Spec() actions.Spec {
	return actions.Spec{
		Name: "cloudflare.under-attack", Title: "Turn on Cloudflare's Under Attack mode",
		Does: "Every visitor of the zone has to pass a challenge of Cloudflare first; programs that call it without a browser are kept out.",
		Kind: actions.KindService, Reversible: true, Blast: actions.BlastAll,
		Rights: []string{readZone, writeSettings}, TTL: 4 * time.Hour,
		Proof:   "The zone's security level is read again.",
		Example: "cloudflare.under-attack example.com ttl=4h",
	}
}

func (a underAttack) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	z, err := a.zone(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	now, err := a.read(z.ID)(ctx)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindService, ID: z.ID, Name: z.Name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Found: now, Want: actions.StateOf(security{attack})}
	if deed.Same(now, p.Want) {
		p.Already = true
		p.Steps = []string{z.Name + " is in Under Attack mode already; nothing will change."}
		return p, nil
	}
	p.Steps = []string{"Turn on Under Attack mode for " + z.Name + "."}
	p.Dependants = []string{"Interfaces for programs, mobile applications and webhooks of " + z.Name + " stop working for whoever cannot pass a challenge."}
	if why := z.idle(); why != "" {
		p.Warnings = append(p.Warnings, why)
	}
	return p, nil
}

func (a underAttack) read(zone string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		var got struct {
			Value string `json:"value"`
		}
		err := a.call(ctx, rest.Call{Step: "read the security level", Method: http.MethodGet, Path: level(zone), Right: writeSettings}, &got)
		if err == nil && !slices.Contains(levels, got.Value) {
			err = fmt.Errorf("read the security level: Cloudflare names a level that is not known here")
		}
		return actions.StateOf(security{got.Value}), err
	}
}

func (a underAttack) set(zone, to string) deed.Write {
	return func(ctx context.Context) error {
		return a.call(ctx, rest.Call{Step: "set the security level", Method: http.MethodPatch, Path: level(zone), In: map[string]string{"value": to}, Right: writeSettings}, nil)
	}
}

func (a underAttack) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{p.Target.Name + " is in Under Attack mode."}, a.read(p.Target.ID), a.set(p.Target.ID, attack))
}

func (a underAttack) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	was, err := levelIn(r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := []string{"The security level of " + r.Target.Name + " is " + was + " again."}
	changed := "Somebody set the security level of " + r.Target.Name + " since."
	return deed.Undo(ctx, r, back, changed, a.read(r.Target.ID), a.set(r.Target.ID, was))
}

func levelIn(s actions.State) (string, error) {
	for _, l := range levels {
		if deed.Same(s, actions.StateOf(security{l})) {
			return l, nil
		}
	}
	return "", incident.GiveUp(fmt.Errorf("the receipt does not say which security level was found"))
}

// Verify reads the level again. Of a zone that Cloudflare does not stand in front of it
// claims nothing.
func (a underAttack) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	proof, err := deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		l, err := levelIn(now)
		if err != nil {
			return "The security level cannot be read."
		}
		return "The security level of " + r.Target.Name + " is " + l + "."
	})
	if err != nil || proof.Standing != actions.InEffect || r.Undone {
		return proof, err
	}
	z, err := a.zoneByID(ctx, r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	if why := z.idle(); why != "" {
		return actions.Stored(append(proof.Seen, why)...), nil
	}
	return proof, nil
}
