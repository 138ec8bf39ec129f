package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// queue is one lane: files of records, the oldest first.
type queue struct {
	o    Options
	lane Lane
	segs []*segment
	out  *os.File // the last one, while it is written

	last   uint64 // number of the last record written
	done   uint64 // everything up to here was taken
	cursor int64  // offset in the file that is read
	at     uint64 // first number of that file
	flight []flying

	sent, lost         Counts
	before, lostBefore Counts // at Open
	unreadable         uint64
	missed             uint64 // given up since the last record that was read
}

// segment is a file.
type segment struct {
	path   string
	first  uint64
	last   uint64
	size   int64
	begun  time.Time
	of     Counts // not taken yet
	gone   bool   // given up
	reader *os.File
}

// flying is a record that was read and not taken.
type flying struct {
	number uint64
	of     Counts
	seg    *segment
}

// leap is how far numbers jump when the last ones may have been lost with the power: none is
// ever used for two records.
const leap = 1 << 20

func openQueue(o Options, lane Lane, was state) (*queue, error) {
	q := &queue{o: o, lane: lane, done: was.Done[lane], lost: was.Lost[lane], unreadable: was.Unreadable[lane]}
	names, err := filepath.Glob(filepath.Join(o.Dir, prefix(lane)+"*"+suffix))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	q.last = max(was.Last[lane], was.Done[lane])
	for _, name := range names {
		seg, bad, err := scan(name, q.done)
		if err != nil {
			return nil, err
		}
		q.unreadable += bad
		if seg == nil {
			_ = os.Remove(name)
			continue
		}
		q.last = max(q.last, seg.last)
		q.segs = append(q.segs, seg)
	}
	if !was.Clean {
		q.last += leap
	}
	q.rewind()
	q.before, q.lostBefore = q.waiting(), q.lost
	return q, nil
}

func prefix(lane Lane) string { return [...]string{"p-", "b-"}[lane] }

const suffix = ".seg"

func (q *queue) encode(of Counts, payload []byte) []byte { return encode(q.last+1, of, payload) }

// write appends a record to the last file, or to a new one.
func (q *queue) write(record []byte, of Counts) error {
	if q.out == nil || q.segs[len(q.segs)-1].size+int64(len(record)) > q.o.Segment {
		if err := q.begin(); err != nil {
			return err
		}
	}
	seg := q.segs[len(q.segs)-1]
	if _, err := q.out.WriteAt(record, seg.size); err != nil {
		return errors.Join(err, q.out.Truncate(seg.size)) // half a record is worse than none
	}
	q.last++
	seg.last, seg.size = q.last, seg.size+int64(len(record))
	seg.of.Add(of)
	return nil
}

func (q *queue) begin() error {
	if err := q.end(); err != nil {
		return err
	}
	path := filepath.Join(q.o.Dir, fmt.Sprintf("%s%016x%s", prefix(q.lane), q.last+1, suffix))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	q.out = f
	q.segs = append(q.segs, &segment{path: path, first: q.last + 1, last: q.last, begun: time.Now()})
	return nil
}

// end closes the file that is written. An empty one is not left behind.
func (q *queue) end() error {
	if q.out == nil {
		return nil
	}
	err := q.out.Close()
	q.out = nil
	if last := len(q.segs) - 1; last >= 0 && q.segs[last].size == 0 {
		q.remove(last)
	}
	return err
}

// next reads on from the cursor. What cannot be read is counted and passed over.
func (q *queue) next() (Record, bool) {
	for i := 0; i < len(q.segs); {
		seg := q.segs[i]
		if seg.first < q.at {
			i++
			continue
		}
		if seg.first > q.at {
			q.at, q.cursor = seg.first, 0
		}
		if q.cursor >= seg.size {
			if i == len(q.segs)-1 {
				return Record{}, false
			}
			q.at, q.cursor = seg.first+1, 0
			i++
			continue
		}
		r, n, err := seg.read(q.cursor)
		if err != nil {
			q.damaged(i, err)
			continue
		}
		q.cursor += n
		if r.Number <= q.done {
			continue
		}
		r.Lane, r.LostBefore, q.missed = q.lane, q.missed, 0
		q.flight = append(q.flight, flying{r.Number, r.Of, seg})
		return r, true
	}
	return Record{}, false
}

// damaged gives up the rest of a file that somebody wrote into while it was ours.
func (q *queue) damaged(i int, err error) {
	seg := q.segs[i]
	q.o.Log.Warn("part of the spool cannot be read and is given up", "file", filepath.Base(seg.path), "err", err)
	rest := seg.of
	for _, f := range q.flight {
		if f.seg == seg {
			rest.sub(f.of)
		}
	}
	seg.of.sub(rest)
	q.giveUp(rest)
	q.unreadable++
	if i == len(q.segs)-1 && q.out != nil { // nothing more goes into it
		_ = q.out.Close()
		q.out = nil
	}
	q.at, q.cursor = seg.first+1, 0
}

func (q *queue) giveUp(of Counts) {
	q.lost.Add(of)
	q.missed += of.Sum()
}

func (q *queue) rewind() {
	q.flight, q.at, q.cursor = nil, 0, 0
}

// taken lets go, and says how many bytes were freed.
func (q *queue) taken(number uint64) (freed int64) {
	n := 0
	for ; n < len(q.flight) && q.flight[n].number <= number; n++ {
		f := q.flight[n]
		q.sent.Add(f.of)
		if f.seg.gone { // given up while it was under way, and it arrived after all
			q.lost.sub(f.of)
			q.missed -= min(q.missed, f.of.Sum())
			continue
		}
		f.seg.of.sub(f.of)
		q.done = max(q.done, f.number)
	}
	q.flight = q.flight[n:]
	for len(q.segs) > 0 && q.segs[0].last <= q.done {
		if len(q.segs) == 1 && q.out != nil {
			if q.segs[0].size < q.o.Segment/2 {
				break // it goes on being written: a new file for every record would cost more
			}
			_ = q.out.Close()
			q.out = nil
		}
		freed += q.segs[0].size
		q.remove(0)
	}
	return freed
}

// drop gives up the oldest file, and says how many bytes were freed.
func (q *queue) drop() int64 {
	seg := q.segs[0]
	if len(q.segs) == 1 && q.out != nil {
		_ = q.out.Close()
		q.out = nil
	}
	seg.gone = true
	q.giveUp(seg.of)
	q.done = max(q.done, seg.last)
	q.remove(0)
	return seg.size
}

func (q *queue) remove(i int) {
	seg := q.segs[i]
	q.segs = slices.Delete(q.segs, i, i+1)
	if seg.reader != nil {
		_ = seg.reader.Close()
	}
	if err := os.Remove(seg.path); err != nil {
		q.o.Log.Warn("remove a part of the spool", "err", err)
	}
}

func (q *queue) waiting() (all Counts) {
	for _, s := range q.segs {
		all.Add(s.of)
	}
	return all
}

func (q *queue) size() (n int64) {
	for _, s := range q.segs {
		n += s.size
	}
	return n
}

func (q *queue) oldest() time.Time {
	for _, s := range q.segs {
		if s.of.Sum() > 0 {
			return s.begun
		}
	}
	return time.Time{}
}

func (q *queue) sync() error {
	if q.out == nil {
		return nil
	}
	return q.out.Sync()
}

func (q *queue) close() error {
	for _, s := range q.segs {
		if s.reader != nil {
			_ = s.reader.Close()
			s.reader = nil
		}
	}
	if q.out == nil {
		return nil
	}
	err := q.out.Close()
	q.out = nil
	return err
}

// full reports whether the disk, or the quota, is.
func full(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// firstOf is the number in a file's name.
func firstOf(path string) (n uint64, ok bool) {
	text := strings.TrimSuffix(filepath.Base(path), suffix)
	if _, err := fmt.Sscanf(text[min(2, len(text)):], "%016x", &n); err != nil {
		return 0, false
	}
	return n, true
}
