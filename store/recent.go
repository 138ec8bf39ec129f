package store

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/tocsin-ir/tocsin/incident"
)

// How many States and lines of the record are kept in memory. A State does not grow
// with chatter: a few kilobytes each.
const (
	recentStates = 640
	recentLines  = 2048
)

// recent are the States and lines that were read or written last, texts filled.
// Whoever wants one asks the database first what is the present, which is one row:
// version moves with every commit to a stream, whoever commits, and erased with every
// commit that destroys a text, in whatever stream. Nothing is believed that was read
// under another of either, so that a text erased by another replica, or held here
// under another incident's name, is not given out again.
//
// What is given out is shared. Nobody may change it in place; incident.Apply does not.
type recent struct {
	// mu guards everything that follows.
	mu     sync.Mutex
	states shelf[incident.ID, incident.State]
	lines  shelf[lineID, lineRead]
}

// lineRead is a line as it read when so many texts had been erased.
type lineRead struct {
	incident.Recorded
	erased int64
}

type lineID struct {
	stream incident.ID
	seq    int64
}

func newRecent() *recent {
	return &recent{states: newShelf[incident.ID, incident.State](recentStates), lines: newShelf[lineID, lineRead](recentLines)}
}

// state is a stream as of a version, if it is here.
func (r *recent) state(id incident.ID, version, erased int64) (incident.State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.states.get(id)
	return s, ok && s.Version == version && s.Erased == erased
}

func (r *recent) line(id incident.ID, seq, erased int64) (incident.Recorded, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.lines.get(lineID{id, seq})
	return l.Recorded, ok && l.erased == erased
}

// keep keeps a State that was read, or that a commit made of one that was: its texts
// are known to have been there when as many were erased as it says. An older one does
// not displace a newer.
func (r *recent) keep(s incident.State, lines ...incident.Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if had, ok := r.states.get(s.Stream); !ok || had.Version <= s.Version && had.Erased <= s.Erased {
		r.states.put(s.Stream, s)
	}
	for _, l := range lines {
		r.lines.put(lineID{l.Stream, l.Seq}, lineRead{l, s.Erased})
	}
}

func (r *recent) keepLine(l incident.Recorded, erased int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines.put(lineID{l.Stream, l.Seq}, lineRead{l, erased})
}

// forget drops everything: a text was destroyed and may be anywhere in it.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states.clear()
	r.lines.clear()
}

// versionOf is the version of a stream, 0 when it is not there, and how many commits
// have destroyed a text.
func (db *DB) versionOf(ctx context.Context, id incident.ID) (version, erased int64, err error) {
	if err := db.read.QueryRowContext(ctx, readVersion, db.workspace, string(id)).Scan(&version, &erased); err != nil {
		return 0, 0, fmt.Errorf("look up %s: %w", id, err)
	}
	return version, erased, nil
}

// shelf keeps so many values, the least lately used of which goes first.
type shelf[K comparable, V any] struct {
	most  int
	items map[K]*list.Element // of *kept[K, V]
	order *list.List          // the latest used in front
}

type kept[K comparable, V any] struct {
	key   K
	value V
}

func newShelf[K comparable, V any](most int) shelf[K, V] {
	return shelf[K, V]{most: most, items: map[K]*list.Element{}, order: list.New()}
}

func (s *shelf[K, V]) get(key K) (value V, ok bool) {
	at, ok := s.items[key]
	if !ok {
		return value, false
	}
	s.order.MoveToFront(at)
	return at.Value.(*kept[K, V]).value, true
}

func (s *shelf[K, V]) put(key K, value V) {
	if at, ok := s.items[key]; ok {
		s.order.MoveToFront(at)
		at.Value = &kept[K, V]{key, value}
		return
	}
	s.items[key] = s.order.PushFront(&kept[K, V]{key, value})
	if s.order.Len() > s.most {
		last := s.order.Back()
		s.order.Remove(last)
		delete(s.items, last.Value.(*kept[K, V]).key)
	}
}

func (s *shelf[K, V]) clear() {
	clear(s.items)
	s.order.Init()
}
