package contain

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/contain/collect"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
	"github.com/tocsin-ir/tocsin/sensor/contain/vault"
)

// Take judges an envelope and does what it orders. A *directive.Refusal says why it is not
// obeyed and is to be reported. Any other error means that it was accepted but is not, or not
// wholly, done; the receipt says how far it came.
func (h *Hands) Take(ctx context.Context, envelope []byte) (Receipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, err := h.accept(envelope)
	if err != nil {
		return Receipt{}, err
	}
	switch {
	case d.Kind.Holds():
		return h.hold(d)
	case d.Kind == directive.Collect:
		h.mu.Unlock() // takes long, and changes nothing that others could meet
		defer h.mu.Lock()
		return h.collect(ctx, d)
	case d.Kind == directive.Release:
		return h.releaseFor(d)
	case d.Kind == directive.Extend:
		return h.extend(d)
	case d.Kind == directive.Kill:
		return h.kill(d)
	}
	return h.receipt(d, Rotated), nil
}

// accept writes the ledger down whatever the verdict, except for a new hold, which is written
// down together with it (in hold): the disk is the slow part of an isolation. When it cannot
// be written nothing is obeyed: what is not written down could be played again.
func (h *Hands) accept(envelope []byte) (directive.Directive, error) {
	seq := h.state.Ledger.Seq
	d, err := h.state.Ledger.Accept(envelope, h.c.Limits, h.c.Now())
	if h.state.Ledger.Seq == seq || err == nil && d.Kind.Holds() {
		return d, err
	}
	if saved := h.save(); saved != nil {
		return directive.Directive{}, errors.Join(err, saved)
	}
	return d, err
}

func (h *Hands) receipt(d directive.Directive, done string) Receipt {
	return Receipt{ID: d.ID, Kind: d.Kind, Done: done, At: h.c.Now().UTC()}
}

func (h *Hands) hold(d directive.Directive) (Receipt, error) {
	began := h.c.Boot()
	if by := h.heldBy(d); by != "" {
		r := h.receipt(d, Already)
		r.Notes = []string{"hold " + by + " has it"}
		return r, h.save()
	}
	hold := &Hold{Directive: d, Since: h.c.Now().UTC(), Boot: h.boot, Began: h.c.Boot(), Pending: true}
	hold.Until, hold.Ends = hold.Began+d.Lasts(), hold.Since.Add(d.Lasts())
	if err := h.prepare(hold); err != nil {
		return Receipt{}, errors.Join(err, h.save())
	}
	if err := h.state.write(h.state.path(d.ID), hold); err != nil {
		return Receipt{}, err
	}
	h.state.Holds[d.ID] = hold
	if err := h.finish(hold); err != nil {
		delete(h.state.Holds, d.ID)
		return Receipt{}, errors.Join(fmt.Errorf("do what %s orders: %w", d.ID, err), h.apply(), h.state.drop(d.ID))
	}
	r := h.receipt(d, Held)
	r.After = h.c.Boot() - began
	r.Ends, r.Notes, r.Processes, r.File = hold.Ends, hold.Notes, hold.Frozen, hold.File
	if under, spare, network := h.sockets(hold); network {
		destroyed, err := h.c.Gate.Destroy(gate.Sockets{Under: under, Spare: spare})
		if err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("live sockets are mute but not closed: %v", err))
		}
		r.Sockets = &destroyed
	}
	return r, h.save(hold)
}

// heldBy names the hold that has the same id, process or file already.
func (h *Hands) heldBy(d directive.Directive) string {
	for _, id := range h.state.ids() {
		hold := h.state.Holds[id]
		if id == d.ID {
			return id
		}
		if d.File != nil && hold.File != nil && hold.File.Path == d.File.Path {
			return id
		}
		if d.Process != nil && hold.Frozen != nil && slices.ContainsFunc(hold.Frozen.Members, func(k process.Key) bool { return k.PID == int(d.Process.PID) }) {
			return id
		}
	}
	return ""
}

// prepare finds out what the kernel needs to know, and refuses what is not there.
func (h *Hands) prepare(hold *Hold) error {
	c := hold.Directive.Cut
	if c == nil {
		return nil
	}
	id, err := gate.CgroupID(filepath.Join(h.c.Cgroups, c.Path))
	if err != nil || id != c.Cgroup {
		return errors.Join(fmt.Errorf("hold the container in %s: it has ended", c.Path), err)
	}
	hold.Level = strings.Count(c.Path, "/")
	links, why := gate.LinksBehind(filepath.Join(h.c.Cgroups, c.Path))
	hold.Links = links
	if why != "" {
		hold.Notes = append(hold.Notes, "packets that the container writes past its sockets are not cut: "+why)
	}
	return nil
}

// finish does what a hold that is written down says. It may have been done before, by an
// agent that was killed.
func (h *Hands) finish(hold *Hold) (err error) {
	d := hold.Directive
	switch d.Kind {
	case directive.Isolate, directive.Cut, directive.Block:
		err = h.apply()
	case directive.Freeze:
		var held process.Held
		held, err = h.procs.Freeze(d.ID, process.Key{PID: int(d.Process.PID), Start: d.Process.Start})
		if err != nil {
			return errors.Join(err, h.procs.Thaw(held))
		}
		hold.Frozen = &held
	case directive.Quarantine:
		var it vault.Item
		if it, err = h.vault.Find(d.ID); err != nil || !h.vault.Has(it) {
			it, err = h.vault.Put(d.ID, d.File.Path, d.File.SHA256)
		}
		if err == nil {
			hold.File = &it
		}
	}
	hold.Pending = err != nil
	return err
}

// sockets says which live sockets a hold closes.
func (h *Hands) sockets(hold *Hold) (under string, spare []gate.Opening, network bool) {
	d := hold.Directive
	switch d.Kind {
	case directive.Isolate:
		return "", append(h.control(), openings(d.Isolate.Open)...), true
	case directive.Cut:
		return filepath.Join(h.c.Cgroups, d.Cut.Path), openings(d.Cut.Open), true
	}
	return "", nil, false
}

func (h *Hands) kill(d directive.Directive) (Receipt, error) {
	held, err := h.procs.KillTree(d.ID, process.Key{PID: int(d.Process.PID), Start: d.Process.Start})
	r := h.receipt(d, Killed)
	r.Processes, r.Notes = &held, held.Notes
	if err != nil {
		return r, fmt.Errorf("kill the tree of %d: %w", d.Process.PID, err)
	}
	return r, nil
}

func (h *Hands) collect(ctx context.Context, d directive.Directive) (Receipt, error) {
	if h.c.Keep == nil {
		return Receipt{}, errors.New("collect evidence: this agent has nowhere to keep it")
	}
	to, err := h.c.Keep(ctx, d.ID)
	if err != nil {
		return Receipt{}, fmt.Errorf("find a place for the evidence: %w", err)
	}
	most := h.c.Limits.CollectBytes
	if d.Collect.Bytes > 0 {
		most = min(most, d.Collect.Bytes)
	}
	got, err := collect.Write(ctx, to, collect.Wanted{Files: d.Collect.Files, Bytes: most, Now: h.c.Now, Spool: h.c.State, Host: d.Host, For: d.ID})
	if err != nil {
		return Receipt{}, err // not closed: not all of it came
	}
	if err := to.Close(); err != nil {
		return Receipt{}, fmt.Errorf("keep the evidence: %w", err)
	}
	r := h.receipt(d, Kept)
	r.Evidence = &got
	return r, nil
}

func (h *Hands) extend(d directive.Directive) (Receipt, error) {
	hold := h.state.Holds[d.Hold.ID]
	if hold == nil {
		return Receipt{}, fmt.Errorf("extend %s: nothing is held by that name", d.Hold.ID)
	}
	hold.Directive.TTL, hold.Directive.OnExpiry, hold.Asked = d.TTL, d.OnExpiry, false
	hold.Until, hold.Ends = h.c.Boot()+d.Lasts(), h.c.Now().UTC().Add(d.Lasts())
	r := h.receipt(d, Extended)
	r.Ends = hold.Ends
	return r, errors.Join(h.save(hold), h.apply())
}

func (h *Hands) releaseFor(d directive.Directive) (Receipt, error) {
	if h.state.Holds[d.Hold.ID] == nil {
		return Receipt{}, fmt.Errorf("release %s: nothing is held by that name", d.Hold.ID)
	}
	r := h.receipt(d, Released)
	notes, err := h.release(d.Hold.ID)
	r.Notes = notes
	return r, err
}

// Free releases what a one-time code allows, typed at this host's console.
func (h *Hands) Free(code string) (Receipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id, err := h.state.Ledger.Spend(code, h.state.ids(), h.c.Now())
	if err != nil {
		return Receipt{}, err
	}
	if err := h.save(); err != nil { // or the code could be used again
		return Receipt{}, err
	}
	r := Receipt{ID: id, Kind: directive.Release, Done: Released, At: h.c.Now().UTC()}
	r.Notes, err = h.release(id)
	return r, err
}

// release undoes a hold. What cannot be undone as it was found stays held, and the error says
// why; what others hold as well stays held, and a note says so.
func (h *Hands) release(id string) (notes []string, err error) {
	hold := h.state.Holds[id]
	switch {
	case hold.Frozen != nil:
		err = h.procs.Thaw(*hold.Frozen)
	case hold.File != nil:
		err = h.vault.Restore(*hold.File)
	}
	if err != nil {
		return nil, fmt.Errorf("release %s: %w", id, err)
	}
	delete(h.state.Holds, id)
	if err := h.apply(); err != nil {
		h.state.Holds[id] = hold
		return nil, fmt.Errorf("release %s: %w", id, err)
	}
	for _, other := range h.state.ids() {
		if k := h.state.Holds[other].Directive.Kind; k == hold.Directive.Kind && k == directive.Isolate {
			notes = append(notes, "the host stays isolated by "+other)
		}
	}
	return notes, h.state.drop(id)
}
