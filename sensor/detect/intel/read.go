package intel

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The bounds of a feed. What is beyond them is refused, not cut off.
const (
	MaxFeed     = 512 << 20 // bytes of a list, table or bundle
	maxDocument = 128 << 20 // bytes of what is read as one piece: a MISP event, a manifest
	maxPiece    = 16 << 20  // bytes of one row or object
	maxSkips    = 10_000    // entries that are named one by one; the rest are counted
	maxOthers   = 64        // kinds of other things that are counted by name
	maxPattern  = 64 << 10  // bytes of a STIX pattern
)

// ErrTooLong says that a feed is longer than feeds may be: MaxFeed, or a quarter of it
// for MISP, whose events are read in one piece.
var ErrTooLong = errors.New("the feed is longer than a feed may be")

// errPiece says that one row or object is longer than maxPiece.
var errPiece = fmt.Errorf("one entry is longer than %d MiB", maxPiece>>20)

// From says what holds for a feed where the feed does not say.
type From struct {
	Source     string // required: the name under which people know it
	Confidence uint8  // 0 to 100
	TLP        TLP
	Why        string
	// Life is how long an indicator counts from Now when the feed names no end; zero is
	// for ever. Addresses change hands within weeks: feeds of them want a life.
	Life time.Duration
	// Below makes domains of feeds that cannot say so take in the names below them.
	Below bool
	// Now is when the feed was fetched. What has expired or was revoked by then is
	// reported, not taken.
	Now time.Time
}

// Reader takes a feed apart and gives each indicator, clean, to take. What take returns is
// reported as the reason why that one was not taken, except ErrFull, which ends the
// reading. The error is for a feed that cannot be read at all or ends too early; the
// Report then covers what came before.
type Reader func(r io.Reader, f From, take func(Indicator) error) (Report, error)

// Report says what became of a feed. Nothing in a feed goes without leaving a trace here.
type Report struct {
	Read    int    // entries that were there
	Taken   int    // indicators that were taken; one entry may hold several
	Skipped []Skip // what was not, the first 10,000
	More    int    // not taken beyond those
	// Other counts what was never meant to be an indicator, by what it is: "malware",
	// "relationship".
	Other map[string]int
}

// Skip is one thing that was not taken.
type Skip struct {
	Where string // "line 12", or the id that the feed gives it
	Value string // as it stood there, cut
	Why   string // one sentence
}

// String is the report in one line, with the first that was skipped.
func (r Report) String() string {
	line := fmt.Sprintf("%d read, %d taken, %d not taken", r.Read, r.Taken, len(r.Skipped)+r.More)
	if len(r.Skipped) > 0 {
		s := r.Skipped[0]
		line += fmt.Sprintf("; first %s: %s", s.Where, s.Why)
	}
	return line
}

// Load reads a feed into a Builder, past a Guard.
func Load(read Reader, r io.Reader, f From, g *Guard, b *Builder) (Report, error) {
	return read(r, f, func(in Indicator) error {
		if err := g.Judge(in); err != nil {
			return err
		}
		return b.add(in) // a Reader hands over what is clean
	})
}

// taking is one feed being read.
type taking struct {
	from   From
	take   func(Indicator) error
	report Report
	full   error
}

// start checks what every Reader needs.
func start(f From, take func(Indicator) error) (*taking, error) {
	if f.Source == "" || f.Now.IsZero() || f.Confidence > 100 {
		return nil, errors.New("a feed needs a name, the time it was fetched, and a confidence of at most 100")
	}
	return &taking{from: f, take: take}, nil
}

// fill puts in what the feed did not say.
func (t *taking) fill(in Indicator) Indicator {
	if in.Source == "" {
		in.Source = t.from.Source
	}
	if in.TLP == Unmarked {
		in.TLP = t.from.TLP
	}
	if in.Why == "" {
		in.Why = t.from.Why
	}
	if in.Expires.IsZero() && t.from.Life > 0 {
		in.Expires = t.from.Now.Add(t.from.Life)
	}
	return in
}

// one hands an indicator over, or reports why not.
func (t *taking) one(where string, in Indicator) {
	if t.full != nil {
		return
	}
	asRead := in.Value
	in, err := t.fill(in).Clean()
	if err == nil && !in.Expires.IsZero() && !in.Expires.After(t.from.Now) {
		err = fmt.Errorf("it expired on %s", in.Expires.Format("2 Jan 2006"))
	}
	if err == nil {
		err = t.take(in)
	}
	if errors.Is(err, ErrFull) {
		t.full = err
	}
	if err != nil {
		t.skip(where, asRead, err.Error())
		return
	}
	t.report.Taken++
}

func (t *taking) skip(where, value, why string) {
	if len(t.report.Skipped) >= maxSkips {
		t.report.More++
		return
	}
	t.report.Skipped = append(t.report.Skipped, Skip{tidy(where, 128), tidy(value, 128), tidy(why, 256)})
}

func (t *taking) other(kind string) {
	kind = tidy(kind, 64)
	if kind == "" {
		kind = "without a type"
	}
	if t.report.Other == nil {
		t.report.Other = map[string]int{}
	}
	if _, known := t.report.Other[kind]; !known && len(t.report.Other) >= maxOthers {
		kind = "others"
	}
	t.report.Other[kind]++
}

// bounded fails instead of ending at a limit: a feed that is cut off looks like one that
// lists less. Between two calls of next no more is read than piece: a quotation mark that is
// never closed, or an object without end, would otherwise be gathered in memory.
type bounded struct {
	r     io.Reader
	left  int64
	piece int64 // bytes; 0: no bound but left
	used  int64
}

func bound(r io.Reader, most, piece int64) *bounded { return &bounded{r: r, left: most, piece: piece} }

func (b *bounded) next() { b.used = 0 }

func (b *bounded) Read(p []byte) (int, error) {
	if b.piece > 0 && b.used >= b.piece {
		return 0, errPiece
	}
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, ErrTooLong
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	b.used += int64(n)
	return n, err
}

// guess finds the type of a value that came without one.
func guess(v string) (Indicator, error) {
	v = Refang(v)
	in := Indicator{Value: v}
	switch {
	case v == "":
		return in, errors.New("it is empty")
	case strings.Contains(v, "://"):
		in.Type = URL
		return in, nil
	case len(v) == 32 && isHex(v):
		in.Type = MD5
		return in, nil
	case len(v) == 40 && isHex(v):
		in.Type = SHA1
		return in, nil
	case len(v) == 64 && isHex(v):
		in.Type = SHA256
		return in, nil
	}
	if p, err := prefixOf(v); err == nil {
		in.Type, in.Value = CIDR, p.String()
		return in, nil
	}
	// "192.0.2.1:443": the address is what can be matched.
	if host, port, ok := cutLast(v, ':'); ok && isPort(port) {
		if _, err := prefixOf(host); err == nil && !strings.Contains(host, "/") {
			in.Type, in.Value = IP, host
			return in, nil
		}
	}
	if strings.ContainsAny(v, "/?") {
		return in, errors.New("a path without a scheme; a URL begins with http:// or the like")
	}
	if strings.Contains(strings.TrimSuffix(v, "."), ".") {
		in.Type = Domain
		return in, nil
	}
	return in, errors.New("neither address, network, domain, URL nor hash")
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func isPort(s string) bool {
	if len(s) == 0 || len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
