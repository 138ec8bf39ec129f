package sigma

import (
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// sight is one look at one record: its fields as they were asked for, each worked out
// once. It is used again for the next record, so that looking allocates nothing; what it
// hands out is good until then.
type sight struct {
	set   *Set
	view  *bound       // of an event
	event *event.Event // nil when it is a Record
	rec   Record

	gen   uint32 // of the record; a slot of another generation is stale
	slots []slot // by number of the field
	buf   []byte // holds the texts of the slots

	round  uint32   // of the event, which may be several records
	number uint64   // the same for correlations, once one of them counts it
	asked  []uint32 // by number of the rule: the generation in which it became a candidate
	fired  []uint32 // by number of the rule: the round in which it fired
	hits   []uint32 // by number of the literal: the generation in which it was found
	cands  []int32  // rules to be asked, by their place in the index
}

// slot is a field of the record.
type slot struct {
	gen      uint32
	hasLow   bool
	hasRaw   bool
	val      Value
	low, raw []byte
}

// maxText is how much of one field is looked at, in bytes. The sensor tells 4 KB of a
// command line; an alert from elsewhere might hold anything.
const maxText = 1 << 20

// maxKept is how large a buffer is kept for the next record.
const maxKept = 256 << 10

func newSight(s *Set) *sight {
	return &sight{set: s, slots: make([]slot, s.fields.count()), buf: make([]byte, 0, 4096), asked: make([]uint32, len(s.rules)),
		fired: make([]uint32, len(s.rules)), hits: make([]uint32, s.literals), cands: make([]int32, 0, 64)}
}

// look begins with the next record.
func (s *sight) look() {
	s.gen++
	if s.gen == 0 { // it went round: nothing may look fresh by accident
		clear(s.slots)
		clear(s.asked)
		clear(s.hits)
		s.gen = 1
	}
	if cap(s.buf) > maxKept {
		s.buf = make([]byte, 0, 4096)
	}
	s.buf = s.buf[:0]
	s.cands = s.cands[:0]
}

// next begins with the next event.
func (s *sight) next() {
	s.number = 0
	s.round++
	if s.round == 0 {
		clear(s.fired)
		s.round = 1
	}
}

// slot is the field of that number, asked for at most once.
func (s *sight) slot(n int) *slot {
	f := &s.slots[n]
	if f.gen == s.gen {
		return f
	}
	f.gen, f.hasLow, f.hasRaw = s.gen, false, false
	switch {
	case n == message:
		f.val = Text("")
		f.raw, f.hasRaw = s.everything(), true
	case s.event != nil:
		f.val = s.view.field(n, s.event)
	default:
		f.val = s.rec.Field(s.set.fields.names[n])
	}
	return f
}

// raw is the text of a slot as it was.
func (s *sight) raw(f *slot) []byte {
	if !f.hasRaw {
		begin := len(s.buf)
		s.buf = f.val.append(s.buf)
		f.raw, f.hasRaw = s.cut(begin), true
	}
	return f.raw
}

// low is the text of a slot, folded.
func (s *sight) low(f *slot) []byte {
	if f.hasLow {
		return f.low
	}
	begin, ok := len(s.buf), false
	if f.val.kind == kindText && !f.hasRaw {
		s.buf, ok = appendLower(s.buf, f.val.text)
	}
	if !ok {
		raw := s.raw(f)
		begin = len(s.buf)
		if s.buf, ok = appendLower(s.buf, raw); !ok {
			s.buf = appendFolded(s.buf, raw)
		}
	}
	f.low, f.hasLow = s.cut(begin), true
	return f.low
}

func (s *sight) cut(begin int) []byte {
	if len(s.buf)-begin > maxText {
		s.buf = s.buf[:begin+maxText]
	}
	return s.buf[begin:len(s.buf):len(s.buf)]
}

// everything is the text of all fields, one a line.
func (s *sight) everything() []byte {
	begin := len(s.buf)
	if s.event == nil {
		s.rec.Each(func(_ string, v Value) bool {
			s.tell(&v)
			return len(s.buf)-begin < maxText
		})
		return s.cut(begin)
	}
	for i := range s.view.table {
		if c := &s.view.table[i]; !c.beside {
			v := c.get(s.event)
			s.tell(&v)
		}
	}
	return s.cut(begin)
}

func (s *sight) tell(v *Value) {
	switch v.kind {
	case kindAbsent, kindNull:
	case kindMany:
		for i := range v.list {
			s.buf = append(v.list[i].append(s.buf), '\n')
		}
	default:
		s.buf = append(v.append(s.buf), '\n')
	}
}
