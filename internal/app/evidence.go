package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/internal/evidence/bundle"
)

// Evidence is what was kept of an incident, with its custody, for whoever has the
// server's key. It errs when there is no such incident.
func (a *Audit) Evidence(ctx context.Context, id incident.ID) (incident.State, []incident.Evidence, error) {
	s, err := a.db.Load(ctx, id)
	if err != nil {
		return s, nil, err
	}
	if !s.Exists {
		return s, nil, fmt.Errorf("there is no incident %s", id)
	}
	all, err := evidenceOf(ctx, a.db, id)
	return s, all, err
}

// recordReader is what is read of the record to know what was kept.
type recordReader interface {
	Timeline(ctx context.Context, id incident.ID, after int64, limit int) ([]incident.Recorded, error)
	Captured(ctx context.Context, id incident.ID, after int64, limit int) ([]incident.Captured, error)
}

func evidenceOf(ctx context.Context, db recordReader, id incident.ID) ([]incident.Evidence, error) {
	const page = 1000
	var lines []incident.Recorded
	for {
		some, err := db.Timeline(ctx, id, int64(len(lines)), page)
		if err != nil {
			return nil, fmt.Errorf("read the record of %s: %w", id, err)
		}
		if lines = append(lines, some...); len(some) < page {
			break
		}
	}
	var files []incident.Captured
	for after := int64(0); ; {
		some, err := db.Captured(ctx, id, after, page)
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			if after = c.Seq; c.Kind == incident.FileShared || c.Kind == incident.FileKept {
				files = append(files, c)
			}
		}
		if len(some) < page {
			return incident.EvidenceIn(lines, files), nil
		}
	}
}

// ExportEvidence writes what was kept of an incident as a bundle, taken by who for
// somebody named. That it was taken is on the record before, and so in the bundle. It
// returns the public key that it can be verified with.
func (a *App) ExportEvidence(ctx context.Context, who incident.Person, id incident.ID, to string, w io.Writer) (m bundle.Manifest, public string, err error) {
	return a.exportEvidence(ctx, &Audit{a.config, a.db, a.clock.Now}, who, id, to, w)
}

func (a *App) exportEvidence(ctx context.Context, book *Audit, who incident.Person, id incident.ID, to string, w io.Writer) (m bundle.Manifest, public string, err error) {
	_, all, err := book.Evidence(ctx, id)
	if err != nil {
		return m, "", err
	}
	command := incident.CommandID("cli:evidence:" + rand.Text())
	if _, err := a.engine.Handle(ctx, id, incident.Asked{ID: command, Root: command, By: who, Via: incident.ViaCLI, At: a.clock.Now(),
		What: incident.ExportEvidence{To: to, Items: len(all)}}); err != nil {
		return m, "", err
	}
	record, err := os.CreateTemp("", "tocsin-record-")
	if err != nil {
		return m, "", fmt.Errorf("make a file for the record: %w", err)
	}
	defer func() { err = errors.Join(err, record.Close(), os.Remove(record.Name())) }()
	signer, refused, err := book.Export(ctx, string(id), true, record)
	if err = errors.Join(err, refused); err != nil {
		return m, "", err
	}
	m, err = a.bundled(ctx, id, who, to, record, signer, w)
	return m, signer.Public(), err
}

// bundled tells of what the exported record tells of, and of nothing that was kept since.
func (a *App) bundled(ctx context.Context, id incident.ID, who incident.Person, to string, record *os.File, signer audit.Signer, w io.Writer) (bundle.Manifest, error) {
	if _, err := record.Seek(0, io.SeekStart); err != nil {
		return bundle.Manifest{}, err
	}
	ends := map[string]int64{}
	found, _, err := audit.VerifyEach(record, signer.Public(), nil, func(l audit.Line) { ends[l.Stream] = l.Seq })
	if err != nil {
		return bundle.Manifest{}, err
	}
	if !found.OK() {
		return bundle.Manifest{}, fmt.Errorf("the record of %s is not whole, so nothing can be proved by it: %s", id, found.Problems[0])
	}
	s, err := a.db.Load(ctx, id)
	if err != nil {
		return bundle.Manifest{}, err
	}
	all, err := evidenceOf(ctx, a.db, id)
	if err != nil {
		return bundle.Manifest{}, err
	}
	all = slices.DeleteFunc(all, func(e incident.Evidence) bool { return e.Line.Seq > ends[string(e.Line.Stream)] })
	m := bundle.Manifest{Workspace: a.config.Workspace, Incident: string(id), At: a.clock.Now().UnixMilli(), By: string(who.ID), To: to, LegalHold: s.LegalHold.On}
	if m.Items, err = a.itemsOf(ctx, all, ends); err != nil {
		return m, err
	}
	m, err = bundle.Write(w, bundle.Parts{
		Manifest: m, Record: record, Signer: signer,
		Gone: func(err error) bool {
			return errors.Is(err, fs.ErrNotExist) || errors.Is(err, evidence.ErrChanged) || errors.Is(err, errNoStore)
		},
		Open: func(it bundle.Item) (io.ReadCloser, error) { return openEvidenceItem(ctx, a.kept, id, all[it.N-1]) },
	})
	if err != nil {
		return m, fmt.Errorf("write the bundle: %w", err)
	}
	return m, nil
}

var errNoStore = errors.New("there is no place for evidence")

func openEvidenceItem(ctx context.Context, from evidence.Store, id incident.ID, e incident.Evidence) (io.ReadCloser, error) {
	if from == nil {
		return nil, errNoStore
	}
	key, err := e.ContentKey()
	if err != nil {
		return nil, err
	}
	return from.Open(ctx, string(id), evidence.Item{SHA256: e.SHA256, Size: e.Size, Stored: e.Stored, Key: key})
}

// itemsOf are items as a bundle tells of them, with the texts that open what the lines
// of the record are committed to.
func (a *App) itemsOf(ctx context.Context, all []incident.Evidence, ends map[string]int64) (items []bundle.Item, err error) {
	var refs []string
	for _, e := range all {
		refs = append(refs, e.Opens...)
	}
	var texts map[string]audit.Text
	err = book{a.db}.View(ctx, func(v audit.View) error {
		texts, err = v.Texts(ctx, refs)
		return err
	})
	if err != nil {
		return nil, err
	}
	items = []bundle.Item{}
	for i, e := range all {
		it := BundleItem(e)
		it.N = i + 1
		it.Custody = slices.DeleteFunc(it.Custody, func(c bundle.Custody) bool { return c.Seq > ends[c.Stream] })
		for _, ref := range e.Opens {
			if t, ok := texts[ref]; ok && ref != "" {
				it.Texts = append(it.Texts, bundle.Text{Ref: ref, Salt: fmt.Sprintf("%x", t.Salt), Text: string(t.Text)})
			}
		}
		items = append(items, it)
	}
	return items, nil
}

var bundleStates = map[incident.KeptState]bundle.State{
	incident.KeptHere: bundle.Kept, incident.KeptAway: bundle.Away, incident.KeptNot: bundle.Never, incident.KeptDestroyed: bundle.Erased,
}

// BundleItem is an item as a bundle, and the command line, tell of it.
func BundleItem(e incident.Evidence) bundle.Item {
	it := bundle.Item{
		N: e.N, State: bundleStates[e.State], Name: e.Name, From: e.From, Type: e.Type, Size: e.Size, SHA256: e.SHA256, By: string(e.By), Author: e.Author,
		At: e.At.UnixMilli(), Deed: e.Deed, Ref: e.Ref, Why: e.Why, Line: bundle.Place{Stream: string(e.Line.Stream), Seq: e.Line.Seq}, Index: e.Index,
		Custody: []bundle.Custody{}, Texts: []bundle.Text{},
	}
	for _, c := range e.Custody {
		it.Custody = append(it.Custody, bundle.Custody{Place: bundle.Place{Stream: string(c.Stream), Seq: c.Seq}, At: c.At.UnixMilli(), By: string(c.By), What: c.What, Hash: c.Hash})
	}
	return it
}
