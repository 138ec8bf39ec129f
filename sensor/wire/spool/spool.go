// Package spool keeps what is to be sent until it was taken, on disk, within a limit, in two
// lanes. It does not know what it keeps but for how many of each kind, so that whatever it
// has to give up is counted.
//
// Append writes, Next reads what was not read yet, Taken lets go. Where there is no room the
// oldest of the bulk lane goes first, and of the priority lane only when no bulk is left. A
// process that is killed loses nothing; a machine that loses power loses what was written since
// the last Sync, a second's worth. Half a record, or one that somebody wrote into, is found by
// its sum and passed over.
//
// While the server takes what comes, files live for moments and are mostly deleted before the
// kernel writes them out: one way for both weathers, and nothing to switch when they change.
package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Lane is one of two queues.
type Lane uint8

// The lanes: what must not be lost, and the rest.
const (
	Priority Lane = iota
	Bulk
	lanes
)

// Counts are how many of each kind, by the kind's number; those above the last count there.
type Counts [32]uint64

// Add adds others.
func (c *Counts) Add(o Counts) {
	for i := range c {
		c[i] += o[i]
	}
}

func (c *Counts) sub(o Counts) {
	for i := range c {
		c[i] -= min(c[i], o[i])
	}
}

// Sum is how many in all.
func (c Counts) Sum() (n uint64) {
	for _, v := range c {
		n += v
	}
	return n
}

// Record is what was appended.
type Record struct {
	Lane       Lane
	Number     uint64 // counts up in its lane
	Of         Counts
	Payload    []byte
	LostBefore uint64 // how many were given up since the record read before this one
}

// Options say where and how much. The zero value of all but Dir is usable.
type Options struct {
	Dir     string
	Limit   int64 // bytes in all; 0 is 256 MiB
	Segment int64 // bytes of a file; 0 is 1 MiB
	Log     *slog.Logger
}

// Spool is open until Close. Its methods may be called at the same time.
type Spool struct {
	o    Options
	more chan struct{}

	mu     sync.Mutex // guards what follows
	id     string
	lane   [lanes]*queue
	bytes  int64
	closed bool
}

// MostRecord bounds a payload.
const MostRecord = 1 << 20 // bytes

// Open takes up what is there. What cannot be read is counted and passed over; an error means
// that the folder cannot be used.
func Open(o Options) (*Spool, error) {
	if o.Limit <= 0 {
		o.Limit = 256 << 20
	}
	if o.Segment <= 0 {
		o.Segment = 1 << 20
	}
	o.Segment = min(o.Segment, max(o.Limit/4, 4<<10))
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool: %w", err)
	}
	s := &Spool{o: o, more: make(chan struct{}, 1)}
	was, err := readState(filepath.Join(o.Dir, stateName))
	if err != nil {
		return nil, err
	}
	if s.id = was.ID; s.id == "" {
		s.id = rand.Text()
	}
	for lane := range lanes {
		q, err := openQueue(o, lane, was)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("take up the spool: %w", err), s.files())
		}
		s.lane[lane] = q
		s.bytes += q.size()
	}
	s.room(0)
	if err := s.note(false); err != nil {
		return nil, errors.Join(err, s.files())
	}
	s.signal()
	return s, nil
}

// ID names this spool: numbers are compared only with those of the same.
func (s *Spool) ID() string { return s.id }

// More receives when there may be something to read.
func (s *Spool) More() <-chan struct{} { return s.more }

func (s *Spool) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

var errClosed = errors.New("the spool is closed")

// Append keeps a payload of at most MostRecord bytes. When it cannot, not even in the place of
// what is less urgent, the events count as lost and the error says why.
func (s *Spool) Append(lane Lane, of Counts, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.lane[lane]
	if s.closed {
		return errClosed
	}
	record := q.encode(of, payload)
	if len(payload) > MostRecord || int64(len(record)) > s.o.Limit {
		q.giveUp(of)
		return fmt.Errorf("keep %d bytes: that is too much for one record", len(payload))
	}
	if !s.room(int64(len(record)), lane) {
		q.giveUp(of)
		return errors.New("keep a record: everything here is more urgent")
	}
	err := q.write(record, of)
	for full(err) && s.evict(lane) { // the disk is full although the limit is not reached
		err = q.write(record, of)
	}
	if err != nil {
		q.giveUp(of)
		return fmt.Errorf("keep a record: %w", err)
	}
	s.bytes += int64(len(record))
	s.signal()
	return nil
}

// room gives up the oldest until n bytes more are within the limit; for is who wants it.
func (s *Spool) room(n int64, who ...Lane) bool {
	for s.bytes+n > s.o.Limit {
		lane := Priority
		if len(who) > 0 {
			lane = who[0]
		}
		if !s.evict(lane) {
			return false
		}
	}
	return true
}

// evict gives up the oldest file that is no more urgent than what is to take its place.
func (s *Spool) evict(who Lane) bool {
	for lane := Bulk; ; lane-- {
		if q := s.lane[lane]; len(q.segs) > 0 {
			s.bytes -= q.drop()
			if err := s.note(false); err != nil {
				s.o.Log.Warn("note what was given up", "err", err)
			}
			return true
		}
		if lane == who || lane == Priority {
			return false
		}
	}
}

// Next is the next record of a lane that was not read yet; ok is false when there is none.
func (s *Spool) Next(lane Lane) (r Record, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Record{}, false
	}
	return s.lane[lane].next()
}

// Rewind makes everything that was not taken be read again: whoever read it is gone.
func (s *Spool) Rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.lane {
		q.rewind()
	}
	s.signal()
}

// Taken lets go of a lane's records up to a number.
func (s *Spool) Taken(lane Lane, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.bytes -= s.lane[lane].taken(number)
	}
}

// Standing is how much there is.
type Standing struct {
	Bytes      int64
	Waiting    Counts    // written and not taken
	Before     Counts    // what waited at Open
	Sent       Counts    // taken, since Open
	Lost       Counts    // given up, since Open
	Ever       Counts    // given up, ever
	Unreadable uint64    // records that were found damaged, ever
	Oldest     time.Time // when the oldest file was begun; zero when nothing waits
}

// Standing says how much there is.
func (s *Spool) Standing() Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Standing{Bytes: s.bytes}
	for _, q := range s.lane {
		st.Waiting.Add(q.waiting())
		st.Sent.Add(q.sent)
		st.Before.Add(q.before)
		st.Lost.Add(q.lost)
		st.Lost.sub(q.lostBefore)
		st.Ever.Add(q.lost)
		st.Unreadable += q.unreadable
		if t := q.oldest(); !t.IsZero() && (st.Oldest.IsZero() || t.Before(st.Oldest)) {
			st.Oldest = t
		}
	}
	return st
}

// Sync returns when everything is on the disk.
func (s *Spool) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	var err error
	for _, q := range s.lane {
		err = errors.Join(err, q.sync())
	}
	return errors.Join(err, s.note(false))
}

// Close keeps what was not taken for the next Open.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	for _, q := range s.lane {
		err = errors.Join(err, q.sync())
	}
	return errors.Join(err, s.note(true), s.files())
}

func (s *Spool) files() (err error) {
	for _, q := range s.lane {
		if q != nil {
			err = errors.Join(err, q.close())
		}
	}
	return err
}
