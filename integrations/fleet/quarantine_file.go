package fleet

import (
	"context"
	"fmt"
	"path"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

func init() {
	made = append(made, func(f *Fleet) actions.Action { return quarantineFile{holding{f, directive.Quarantine}} })
}

// quarantineFile puts a file where nobody reaches it, so that it can be put back as it was.
type quarantineFile struct{ holding }

func (quarantineFile) Spec() actions.Spec {
	return actions.Spec{
		Name: "fleet.quarantine-file", Title: "Put a file away",
		Does: "The file is moved into a folder of the agent that nobody else can read; a release puts it back with owner, mode, attributes and times.",
		Kind: actions.KindFile, Reversible: true, Blast: actions.BlastTeam, Rights: []string{string(directive.Quarantine)}, TTL: holdTTL,
		Params:  []actions.Param{onExpiry},
		Proof:   "The host reads the file that was put away and compares its SHA-256, and looks that nothing stands in its place.",
		Example: "fleet.quarantine-file web-3:/tmp/implant",
	}
}

// lies is the state of a path.
type lies struct {
	SHA256 string   `json:"sha256"` // "" when no plain file is there
	There  bool     `json:"there"`
	By     []string `json:"held_by"`
}

func (a quarantineFile) look(ctx context.Context, host, at string) (wire.File, lies, error) {
	got, err := ask[wire.File](ctx, a.Fleet, host, &wire.Question{What: wire.AskFile, Subject: at})
	if err == nil && len(got) != 1 {
		err = &Silent{Host: host, Err: fmt.Errorf("its answer is empty")}
	}
	if err != nil {
		return wire.File{}, lies{}, err
	}
	ids, err := a.holds(ctx, host, a.about(at))
	return got[0], lies{SHA256: tame(got[0].SHA256), There: got[0].There, By: ids}, err
}

func (a quarantineFile) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	typed, at, err := split(in.Target, ":")
	if err != nil {
		return actions.Plan{}, err
	}
	h, err := a.named(typed)
	if err != nil {
		return actions.Plan{}, err
	}
	if !path.IsAbs(at) || path.Clean(at) != at {
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindFile, Name: in.Target, Hint: "Name the file by its whole path, without dots."}
	}
	f, now, err := a.look(ctx, h.Name, at)
	if err != nil {
		return actions.Plan{}, err
	}
	t := actions.Target{Kind: actions.KindFile, ID: h.Name + ":" + at, Name: h.Name + ":" + at}
	p := actions.Plan{Action: a.Spec().Name, Target: t, Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Found: actions.StateOf(now)}
	switch {
	case len(now.By) > 0:
		p.Already, p.Want, p.Steps = true, p.Found, []string{at + " is put away already; nothing will change."}
		return p, nil
	case !now.There:
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindFile, Name: in.Target, Hint: "There is nothing at that path."}
	case !f.Plain:
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is not a plain file that is reached without symbolic links", t.Name))
	}
	p.Want = actions.StateOf(lies{By: []string{holdID(in.Key, a.kind, h.Name)}})
	p.Steps = []string{fmt.Sprintf("Put %s on %s away: %d bytes, SHA-256 %s.", at, h.Name, f.Size, now.SHA256)}
	for i, pid := range f.UsedBy {
		if i == 20 {
			break
		}
		p.Dependants = append(p.Dependants, fmt.Sprintf("Process %d runs from it and goes on.", pid))
	}
	if err := endsItself(in); err != nil {
		return p, err
	}
	return p, a.allowed(h.Name, a.lasts(in.Until))
}

func (a quarantineFile) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		host, at, err := split(id, ":")
		if err != nil {
			return nil, err
		}
		_, now, err := a.look(ctx, host, at)
		return actions.StateOf(now), err
	}
}

func (a quarantineFile) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	host, at, err := split(p.Target.ID, ":")
	if err != nil {
		return actions.Receipt{}, err
	}
	return a.do(ctx, p, host, []string{p.Target.Name + " is put away."}, a.read(p.Target.ID), func(d *directive.Directive) error {
		var found lies
		d.File = &directive.FileOf{Path: at}
		err := unpack(p.Found, &found)
		d.File.SHA256 = found.SHA256
		return err
	})
}

func (a quarantineFile) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	host, at, err := split(r.Target.ID, ":")
	if err != nil {
		return actions.Proof{}, err
	}
	proof, err := a.verify(ctx, r, host, a.read(r.Target.ID))
	if err != nil || proof.Standing != actions.InEffect || r.Undone {
		return proof, err
	}
	_, now, err := a.look(ctx, host, at)
	if err != nil {
		return a.unproven(ctx, err)
	}
	if now.There {
		return actions.Refuted(append(proof.Seen, "Something stands at "+at+" again.")...), nil
	}
	proof.Seen = append(proof.Seen, "Nothing stands at "+at+".")
	return proof, nil
}

// Undo puts the file back. A host overwrites nothing: what somebody else put in its place has to be moved
// by them, whoever insists.
func (a quarantineFile) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	host, _, err := split(r.Target.ID, ":")
	if err != nil {
		return actions.Receipt{}, err
	}
	return a.undo(ctx, r, host, r.Target.Name+" is back where it was.", "Something else stands at "+r.Target.Name+" now; move it first.", a.read(r.Target.ID))
}
