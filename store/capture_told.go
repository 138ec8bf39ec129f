package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	// sameMoment is how far apart Slack's two ways of telling that somebody came or went
	// may be: a message in the room, and an event.
	sameMoment = 5 * time.Second
	// sightSkew is how much later than a sighting, by two clocks, may be what it saw.
	sightSkew = 10 * time.Second
)

// toldLine is a line about something that comes and goes, or is told under several
// names: a reaction, a pin, a membership, a change that is not marked as an edit.
type toldLine struct {
	line
	capturedData
	seen bool
	// names, and the latest time that any of them tells, of a line that was only seen:
	// there the event says when it was.
	names []string
	last  time.Time
}

// told reads every line of a scope, in the order they were written.
func (a *appending) told(channel, scope string) ([]toldLine, error) {
	rows, err := a.q.QueryContext(a.ctx, toldOfScope, a.db.workspace, channel, scope)
	if err != nil {
		return nil, fmt.Errorf("look for what was told of %s: %w", scope, err)
	}
	out, err := scanTold(rows)
	for i := range out {
		l := &out[i]
		l.last = time.UnixMicro(l.Moment)
		if !l.seen || err != nil {
			continue
		}
		l.names, err = a.names(l.seq)
		for _, name := range l.names {
			if at, ok := namedAt(name); ok && at.After(l.last) {
				l.last = at
			}
		}
	}
	return out, err
}

func scanTold(rows *sql.Rows) (out []toldLine, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l toldLine
		if err := rows.Scan(&l.stream, &l.seq, &l.actor, &l.data, &l.seen); err != nil {
			return nil, err
		}
		if l.capturedData, err = decodeCaptured(l.data); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// toldAlready finds the line that tells the same deed in another way. An event or a
// message was seen already when the present state showed what it leads to, not before
// it happened; a message and an event are one coming or going when they are of one
// moment. A line stands for one telling of each way: two removals are two.
func (a *appending) toldAlready(c incident.Captured) (seq int64, told bool, err error) {
	lines, err := a.told(c.Channel, scopeOf(c.Subject))
	if err != nil {
		return 0, false, err
	}
	nearest := time.Duration(1<<63 - 1)
	for _, l := range lines {
		if l.Subject != c.Subject || l.What != c.Kind || l.stream != roomStream(a.stream) {
			continue
		}
		apart := c.Occurred.Sub(time.UnixMicro(l.Moment))
		if l.seen && (apart > sightSkew || undone(lines, l, c)) || !l.seen && (apart > sameMoment || apart < -sameMoment) || apart.Abs() >= nearest {
			continue
		}
		ways := l.names
		if !l.seen {
			if ways, err = a.names(l.seq); err != nil {
				return 0, false, err
			}
		}
		if slices.ContainsFunc(ways, func(name string) bool { return contradicts(name, c) }) {
			continue
		}
		if same, err := a.reads(l, c); err != nil || !same {
			if err != nil {
				return 0, false, err
			}
			continue
		}
		seq, told, nearest = l.seq, true, apart.Abs()
	}
	return seq, told, nil
}

// undone says that what was seen was taken back before c, as the record was told since.
func undone(lines []toldLine, seen toldLine, c incident.Captured) bool {
	return slices.ContainsFunc(lines, func(l toldLine) bool {
		return l.Subject == c.Subject && l.What != c.Kind && l.seq > seen.seq && !l.seen &&
			l.Moment >= seen.Moment && l.Moment <= c.Occurred.UnixMicro()
	})
}

// contradicts says that a line known by name is not c: it was told in this way, or in
// another way to be of another moment.
func contradicts(name string, c incident.Captured) bool {
	if strings.HasPrefix(name, string(c.Told)+"/") {
		return true
	}
	at, ok := namedAt(name)
	return ok && c.Occurred.Sub(at).Abs() > sameMoment
}

// namedAt is the Slack time at the end of a name, where it has one.
func namedAt(name string) (time.Time, bool) {
	seconds, fraction, ok := strings.Cut(name[strings.LastIndexByte(name, ':')+1:], ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	micros, ferr := strconv.ParseInt(fraction, 10, 64)
	return time.UnixMicro(s*1e6 + micros), ok && err == nil && ferr == nil
}

func (a *appending) names(seq int64) ([]string, error) {
	rows, err := a.q.QueryContext(a.ctx, namesOfCaptured, a.db.workspace, roomStream(a.stream), seq)
	if err != nil {
		return nil, fmt.Errorf("look for names: %w", err)
	}
	return scanAll[string](rows)
}

// reads says whether a line has the text of c; one without a text has any.
func (a *appending) reads(l toldLine, c incident.Captured) (bool, error) {
	if l.Text.Ref == "" {
		return true, nil
	}
	texts, err := a.db.texts(a.ctx, a.q, []string{l.Text.Ref})
	return texts[l.Text.Ref] == c.Text.Text, err
}

// Sight compares what Slack showed of a room with what the record says of it, and
// writes down the difference, marked as back-filled. Slack does not say since when
// something is so, therefore: what the record says already is not said again, and
// what moved in the record since Slack was asked is left to the next comparison. The
// event, when it arrives after all, is taken for the same (see toldAlready).
func (db *DB) Sight(ctx context.Context, s incident.Sighting) (added int, err error) {
	err = db.write.do(ctx, func(ctx context.Context, q querier) error {
		var err error
		added, err = db.appending(ctx, q, s.Stream, func(a *appending) error { return a.sight(s) })
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("compare with what is so: %w", err)
	}
	return added, nil
}

func (a *appending) sight(s incident.Sighting) error {
	there := map[string]bool{}
	known := map[string][]toldLine{}
	for _, c := range s.There {
		there[c.Subject] = true
		scope := scopeOf(c.Subject)
		lines, had := known[scope]
		if !had {
			var err error
			if lines, err = a.told(s.Channel, scope); err != nil {
				return err
			}
			known[scope] = lines
		}
		differs := false
		if c.Kind == incident.SaidEdited {
			var err error
			if differs, err = a.otherText(c, s.After); err != nil {
				return err
			}
		} else {
			last, moved := stands(lines, c.Subject, s.After)
			differs = !moved && (last == nil || last.What != c.Kind)
		}
		if !differs {
			continue
		}
		if err := a.seen(c, s); err != nil {
			return err
		}
	}
	for _, scope := range s.Whole {
		if err := a.gone(s, scope, there); err != nil {
			return err
		}
	}
	return nil
}

// gone writes down what of a scope the record says is there and is not.
func (a *appending) gone(s incident.Sighting, scope string, there map[string]bool) error {
	lines, err := a.told(s.Channel, scope)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, l := range lines {
		if there[l.Subject] || done[l.Subject] {
			continue
		}
		done[l.Subject] = true
		last, moved := stands(lines, l.Subject, s.After)
		over := opposite[last.What]
		if moved || over == "" {
			continue
		}
		c := incident.Captured{Kind: over, TS: last.TS, Subject: l.Subject}
		if over != incident.PinRemoved { // who took a pin out is not known
			c.Author, c.By = last.Author, incident.PersonID(last.actor)
		}
		if err := a.seen(c, s); err != nil {
			return err
		}
	}
	return nil
}

// opposite is what takes back what is there.
var opposite = map[incident.CaptureKind]incident.CaptureKind{
	incident.ReactionAdded: incident.ReactionRemoved, incident.PinAdded: incident.PinRemoved, incident.MemberJoined: incident.MemberLeft,
}

// seen appends what a sighting adds to the record. Its time is that of the sighting,
// in whole seconds downwards: what is told with a time in the same second is later.
func (a *appending) seen(c incident.Captured, s incident.Sighting) error {
	c.Stream, c.Channel, c.Told, c.BackFilled = s.Stream, s.Channel, incident.ToldByState, true
	c.Occurred = s.At.Truncate(time.Second)
	c.Name = string(incident.ToldByState) + "/" + string(c.Kind) + ":" + c.Subject + ":" + strconv.FormatInt(a.seq+1, 10)
	fresh, err := a.named(c, a.seq+1)
	if err != nil || !fresh {
		return err
	}
	return a.append(c)
}

// stands is the line that says how a subject stands, nil for none, and whether the
// subject moved after line number after. The last sighting settles what was written
// before it; of what was written after it, what is told to be later.
func stands(lines []toldLine, subject string, after int64) (last *toldLine, moved bool) {
	for i := range lines {
		l := &lines[i]
		if l.Subject != subject {
			continue
		}
		moved = moved || l.seq > after
		if last == nil || l.seen || !l.last.Before(last.last) {
			last = l
		}
	}
	return last, moved
}

// otherText says whether Slack shows another text of a message than the record has,
// and nobody told the record since Slack was asked.
func (a *appending) otherText(c incident.Captured, after int64) (bool, error) {
	seq, ref, err := a.lastVersion(c.Channel, c.TS, 1<<62)
	if err != nil || seq == 0 || seq > after || ref == "" {
		return false, err
	}
	texts, err := a.db.texts(a.ctx, a.q, []string{ref})
	was, there := texts[ref]
	return there && was != c.Text.Text, err
}
