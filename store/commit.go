package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
)

// snapshotEvery is how many events a load has to fold at most.
const snapshotEvery = 50

// Commit writes all of a change or none of it. See engine.Store for its errors.
func (db *DB) Commit(ctx context.Context, c incident.Change) (incident.State, error) {
	if c.Asked.ID == "" {
		return incident.State{}, errors.New("commit: the command has no id")
	}
	if c.Before.Stream == "" {
		return incident.State{}, errors.New("commit: the change has no stream")
	}
	p, err := db.prepare(c)
	if err != nil {
		return incident.State{}, fmt.Errorf("commit to %s: %w", c.Before.Stream, err)
	}
	var after incident.State
	err = db.write.soon(ctx, func(ctx context.Context, q querier) error {
		after, err = p.write(ctx, q)
		return err
	})
	if err != nil {
		return incident.State{}, fmt.Errorf("commit to %s: %w", c.Before.Stream, err)
	}
	if len(c.Erase) == 0 {
		if p.moves() {
			db.recent.keep(after, p.lines...)
		}
		return after, nil
	}
	// The State in hand still has the erased texts; the tables do not.
	db.recent.forget()
	_ = db.write.scrub(ctx) // a busy reader puts it off, no more
	return db.Load(ctx, c.Before.Stream)
}

// pending is a change with everything done that needs no database: texts sealed,
// events and effects encoded, so that the transaction is short.
type pending struct {
	db      *DB
	c       incident.Change
	answer  []byte
	texts   map[string]boxed
	at      map[string]int64 // event a text belongs to
	effects []owed
	lines   []incident.Recorded // as they read once they are written
}

type owed struct {
	incident.Owed
	kind string
	body string
}

func (db *DB) prepare(c incident.Change) (*pending, error) {
	p := &pending{db: db, c: c, texts: map[string]boxed{}, at: map[string]int64{}}
	p.c.Events = slices.Clone(c.Events)
	answer := incident.Answer{Stream: c.Before.Stream, Refused: c.Refused}
	for i := range p.c.Events {
		r := &p.c.Events[i]
		if r.Stream != c.Before.Stream || r.Seq != c.Before.Seq+int64(i)+1 {
			return nil, fmt.Errorf("event %d is numbered %s/%d after %d", i, r.Stream, r.Seq, c.Before.Seq)
		}
		// What is stored is what is folded, to the millisecond.
		r.At, r.Occurred = unstamp(stamp(r.At)), unstamp(stamp(r.Occurred))
		if err := p.seal(r, r.Seq); err != nil {
			return nil, err
		}
		answer.First, answer.Last = c.Before.Seq+1, r.Seq
	}
	for _, o := range c.Effects {
		if o.ID == "" || o.Lane == "" || o.Rank < incident.RankPage || o.Rank > incident.RankRefresh {
			return nil, fmt.Errorf("effect %q in lane %q of rank %d: incomplete", o.ID, o.Lane, o.Rank)
		}
		if err := p.seal(&o.Effect, o.Seq); err != nil {
			return nil, err
		}
		kind, body, err := incident.EncodeEffect(o.Effect)
		if err != nil {
			return nil, err
		}
		p.effects = append(p.effects, owed{o, kind, string(body)})
	}
	var err error
	p.answer, err = json.Marshal(answer)
	return p, err
}

func (p *pending) seal(v any, seq int64) error {
	fresh := map[string]boxed{}
	if err := p.db.seal(v, fresh); err != nil {
		return err
	}
	for ref, b := range fresh {
		p.texts[ref], p.at[ref] = b, seq
	}
	return nil
}

// write is the transaction: the answer first, so that a repeat finds it before
// anything else can differ; then the locks, in the order of stream ids; then the rest.
func (p *pending) write(ctx context.Context, q querier) (incident.State, error) {
	if err := p.db.remember(ctx, q, p.c.Asked, p.answer); err != nil {
		return incident.State{}, err
	}
	own := row{hash: noHash}
	for _, id := range p.locks() {
		r, err := p.db.lock(ctx, q, id)
		if err != nil {
			return incident.State{}, err
		}
		if id == p.c.Before.Stream {
			own = r
		}
	}
	if own.version != p.c.Before.Version {
		return incident.State{}, engine.ErrStale
	}
	after := p.c.Before
	if p.moves() {
		var err error
		if after, err = p.advance(ctx, q, own); err != nil {
			return incident.State{}, err
		}
	}
	if p.c.Settles != nil {
		at := p.c.Asked.At
		if err := p.db.settle(ctx, q, p.c.Settles.Task, p.c.Settles.Outcome, at); err != nil {
			return incident.State{}, err
		}
	}
	return after, nil
}

// moves reports whether the stream itself changes; a refusal leaves it as it is.
func (p *pending) moves() bool {
	return !p.c.Empty() || len(p.c.Claims) > 0 || len(p.c.Erase) > 0
}

func (p *pending) locks() []incident.ID {
	ids := []incident.ID{p.c.Before.Stream}
	if s := p.c.Settles; s != nil && s.Outcome.Done && s.Task.Incident != p.c.Before.Stream {
		ids = append(ids, s.Task.Incident)
		slices.Sort(ids)
	}
	return ids
}

func (p *pending) advance(ctx context.Context, q querier, own row) (incident.State, error) {
	after, lines, err := p.fold(own.hash)
	if err != nil {
		return after, err
	}
	next := row{version: own.version + 1, seq: after.Seq, hash: own.hash, owed: own.owed + int64(len(p.effects))}
	if n := len(lines); n > 0 {
		next.hash = lines[n-1].hash
	}
	after.Version = next.version
	if err := p.db.putStream(ctx, q, own, next, after, p.c.Asked.At); err != nil {
		return after, err
	}
	if err := p.claim(ctx, q); err != nil {
		return after, err
	}
	for ref, b := range p.texts {
		if err := p.db.putSealed(ctx, q, b, after.Stream, p.at[ref]); err != nil {
			return after, err
		}
	}
	if len(p.texts) > 0 {
		if err := p.db.sameKey(ctx, q); err != nil {
			return after, err
		}
	}
	for _, l := range lines {
		if _, err := q.ExecContext(ctx, insertEvent, p.db.workspace, l.stream, l.seq, l.kind, l.v, l.at,
			l.occurred, l.actor, l.via, l.root, l.data, l.prev, l.hash); err != nil {
			return after, fmt.Errorf("write event %d: %w", l.seq, err)
		}
	}
	for i, o := range p.effects {
		if err := p.db.owe(ctx, q, after.Stream, own.owed+int64(i)+1, o); err != nil {
			return after, err
		}
	}
	for _, ref := range p.c.Erase {
		if err := p.db.erase(ctx, q, ref); err != nil {
			return after, err
		}
	}
	if len(p.c.Erase) > 0 {
		if _, err := q.ExecContext(ctx, countErased, p.db.workspace); err != nil {
			return after, fmt.Errorf("count what was erased: %w", err)
		}
	}
	return after, p.db.snapshotIfDue(ctx, q, own.seq, after)
}

// fold chains the events and applies what will be read back: each line is decoded
// again, so that the State in hand and the State of a later Load cannot differ.
func (p *pending) fold(prev string) (incident.State, []line, error) {
	s := p.c.Before
	s.Workspace = p.db.workspace
	p.lines = p.lines[:0:0] // a transaction that gave way is run again
	lines := make([]line, 0, len(p.c.Events))
	for _, r := range p.c.Events {
		known := map[string]string{}
		incident.EachSealed(&r, func(t *incident.Sealed) { known[t.Ref] = t.Text })
		l, err := lineOf(r, prev, p.db.workspace)
		if err != nil {
			return s, nil, err
		}
		stored, err := l.recorded()
		if err != nil {
			return s, nil, err
		}
		incident.EachSealed(&stored, func(t *incident.Sealed) { t.Text = known[t.Ref] })
		if s, err = apply(s, stored); err != nil {
			return s, nil, err
		}
		lines, prev, p.lines = append(lines, l), l.hash, append(p.lines, stored)
	}
	return s, lines, nil
}

// apply is incident.Apply with its one panic, an event it does not know, as an error.
func apply(s incident.State, r incident.Recorded) (next incident.State, err error) {
	err = guard(func() error { next = incident.Apply(s, r); return nil })
	return next, err
}

// claim takes unique keys. A key this stream holds already is its own.
func (p *pending) claim(ctx context.Context, q querier) error {
	keys := slices.Sorted(slices.Values(p.c.Claims)) // one order for all, or two could wait for each other
	for _, key := range slices.Compact(keys) {
		n, err := affected(q.ExecContext(ctx, insertClaim, p.db.workspace, key, string(p.c.Before.Stream)))
		if err != nil {
			return fmt.Errorf("claim %s: %w", key, err)
		}
		if n == 1 {
			continue
		}
		var by string
		if err := q.QueryRowContext(ctx, readClaim, p.db.workspace, key).Scan(&by); err != nil {
			return fmt.Errorf("claim %s: %w", key, err)
		}
		if by != string(p.c.Before.Stream) {
			return &engine.ErrTaken{Key: key, By: incident.ID(by)}
		}
	}
	return nil
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func orUnknown(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return engine.ErrUnknown
	}
	return err
}

func uniq(refs []string) []string {
	slices.Sort(refs)
	return slices.Compact(refs)
}
