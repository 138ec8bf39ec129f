package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// A record on disk is: length of what follows the sum (4 bytes), CRC-32C of it (4), number (8),
// how many kinds (1), each with its count (1 + 4), payload. Numbers are big-endian.
const (
	headSize = 8
	leastOf  = 8 + 1
	mostOf   = leastOf + len(Counts{})*5
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errDamaged = errors.New("a record is damaged")
)

func encode(number uint64, of Counts, payload []byte) []byte {
	b := make([]byte, headSize, headSize+mostOf+len(payload))
	b = binary.BigEndian.AppendUint64(b, number)
	kinds := len(b)
	b = append(b, 0)
	for kind, n := range of {
		if n > 0 {
			b[kinds]++
			b = append(b, byte(kind))
			b = binary.BigEndian.AppendUint32(b, uint32(min(n, 1<<32-1)))
		}
	}
	b = append(b, payload...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-headSize))
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[headSize:], castagnoli))
	return b
}

// decode reads the record at the beginning of b, and says how long it is.
func decode(b []byte) (r Record, n int64, err error) {
	if len(b) < headSize {
		return r, 0, errDamaged
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size < leastOf || size > int64(mostOf+MostRecord) || size > int64(len(b)-headSize) {
		return r, 0, errDamaged
	}
	body := b[headSize : headSize+size]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return r, 0, errDamaged
	}
	r.Number = binary.BigEndian.Uint64(body)
	kinds, body := int(body[8]), body[leastOf:]
	if len(body) < kinds*5 {
		return r, 0, errDamaged
	}
	for range kinds {
		if int(body[0]) >= len(r.Of) {
			return r, 0, errDamaged
		}
		r.Of[body[0]] += uint64(binary.BigEndian.Uint32(body[1:]))
		body = body[5:]
	}
	r.Payload = body
	return r, headSize + size, nil
}

// read reads the record at an offset.
func (s *segment) read(at int64) (Record, int64, error) {
	if s.reader == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return Record{}, 0, err
		}
		s.reader = f
	}
	var head [headSize]byte
	if _, err := s.reader.ReadAt(head[:], at); err != nil {
		return Record{}, 0, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size > s.size-at-headSize {
		return Record{}, 0, errDamaged
	}
	b := make([]byte, headSize+size)
	if _, err := s.reader.ReadAt(b, at); err != nil {
		return Record{}, 0, err
	}
	return decode(b)
}

const mostSegment = 64 << 20 // bytes looked at; files are far smaller

// scan reads a file that was left behind, up to the first record that is not whole; what is
// behind it is cut off, and counts as one that cannot be read. The segment is nil when nothing in
// it is wanted any more.
func scan(path string, done uint64) (_ *segment, bad uint64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	first, ok := firstOf(path)
	if !ok || info.Size() > mostSegment {
		return nil, 1, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	seg := &segment{path: path, first: first, begun: info.ModTime()}
	for len(b) > 0 {
		r, n, err := decode(b)
		if err != nil || r.Number <= seg.last || r.Number < first || r.Number >= 1<<62 {
			bad = 1
			break
		}
		if r.Number > done {
			seg.of.Add(r.Of)
		}
		seg.last, seg.size, b = r.Number, seg.size+n, b[n:]
	}
	if bad > 0 {
		if err := os.Truncate(path, seg.size); err != nil {
			return nil, 0, err
		}
	}
	if seg.size == 0 || seg.last <= done {
		return nil, bad, nil
	}
	return seg, bad, nil
}

// state is what files cannot tell: what was taken or given up (Done), and how much of that was lost.
type state struct {
	ID         string        `json:"id"`
	Clean      bool          `json:"clean"` // written by Close: no number is unknown
	Last       [lanes]uint64 `json:"last"`
	Done       [lanes]uint64 `json:"done"`
	Lost       [lanes]Counts `json:"lost"`
	Unreadable [lanes]uint64 `json:"unreadable"`
}

const (
	stateName = "state.json"
	mostState = 1 << 20
)

// readState reads it; one that is damaged is as good as none, but then the spool is another.
func readState(path string) (state, error) {
	var s state
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Clean: true}, nil
	}
	if err != nil {
		return s, fmt.Errorf("read the state of the spool: %w", err)
	}
	if info.Size() > mostState {
		return state{}, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("read the state of the spool: %w", err)
	}
	if err := json.Unmarshal(b, &s); err == nil && s.possible() {
		return s, nil
	}
	return state{}, nil //nolint:nilerr // see above
}

// possible says whether a spool could have come to be so: a number that is too high would
// hide everything that is written after it.
func (s state) possible() bool {
	for lane := range lanes {
		if s.Last[lane] >= 1<<62 || s.Done[lane] > s.Last[lane] {
			return false
		}
	}
	return len(s.ID) <= 64
}

// note writes the state, whole or not at all.
func (s *Spool) note(clean bool) error {
	st := state{ID: s.id, Clean: clean}
	for i, q := range s.lane {
		st.Last[i], st.Done[i], st.Lost[i], st.Unreadable[i] = q.last, q.done, q.lost, q.unreadable
	}
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	path := filepath.Join(s.o.Dir, stateName)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("write the state of the spool: %w", err)
	}
	return os.Rename(path+".new", path)
}
