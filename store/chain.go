package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/tocsin-ir/tocsin/incident"
)

// line is an event exactly as it is stored.
//
// Its hash, hex in column hash, is SHA-256 over the 32 bytes of the hash of the line
// before (32 zero bytes for the first) followed by eleven fields in this order:
// workspace, stream, seq, kind, v, at, occurred, actor, via, root, data. Each field is
// its length in bytes in decimal, a colon, and its bytes; numbers are decimal, times
// are unix milliseconds. So nothing has to be put in any canonical form, no field can
// lend bytes to its neighbour, and a line cannot be moved to another place.
type line struct {
	stream       string
	seq          int64
	kind         string
	v            int
	at, occurred int64
	actor        string
	via          string
	root         string
	data         string
	prev, hash   string
}

// noHash stands before the first line.
const noHash = "0000000000000000000000000000000000000000000000000000000000000000"

func (l line) sum(workspace string) (string, error) {
	prev, err := hex.DecodeString(l.prev)
	if err != nil || len(prev) != sha256.Size {
		return "", fmt.Errorf("line %d of %s: the hash before it is malformed", l.seq, l.stream)
	}
	buf := prev
	for _, f := range [...]string{
		workspace, l.stream, strconv.FormatInt(l.seq, 10), l.kind, strconv.Itoa(l.v),
		strconv.FormatInt(l.at, 10), strconv.FormatInt(l.occurred, 10), l.actor, l.via, l.root, l.data,
	} {
		buf = strconv.AppendInt(buf, int64(len(f)), 10)
		buf = append(buf, ':')
		buf = append(buf, f...)
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:]), nil
}

// lineOf encodes an event whose texts are sealed.
func lineOf(r incident.Recorded, prev, workspace string) (line, error) {
	kind, v, data, err := incident.EncodeEvent(r.Event)
	if err != nil {
		return line{}, err
	}
	l := line{
		stream: string(r.Stream), seq: r.Seq, kind: kind, v: v, at: stamp(r.At), occurred: stamp(r.Occurred),
		actor: string(r.By), via: string(r.Via), root: string(r.Root), data: string(data), prev: prev,
	}
	l.hash, err = l.sum(workspace)
	return l, err
}

// recorded decodes a line; its texts are not filled.
func (l line) recorded() (incident.Recorded, error) {
	e, err := incident.DecodeEvent(l.kind, l.v, []byte(l.data))
	if err != nil {
		return incident.Recorded{}, fmt.Errorf("line %d of %s: %w", l.seq, l.stream, err)
	}
	return incident.Recorded{
		Stream: incident.ID(l.stream), Seq: l.seq, At: unstamp(l.at), Occurred: unstamp(l.occurred),
		By: incident.PersonID(l.actor), Via: incident.Door(l.via), Root: incident.CommandID(l.root), Event: e, Hash: l.hash,
	}, nil
}

// Verified is what Verify found in order.
type Verified struct {
	Lines  int64  // events, each chained to the one before
	Head   string // hash of the last, hex
	Texts  int    // sealed texts that are there and are what the record speaks of
	Erased int    // texts that were erased; the record is whole without them
}

// Verify reads the whole record of a stream and recomputes every hash and every
// text's digest. The error names the first line that is not as it was written.
func (db *DB) Verify(ctx context.Context, id incident.ID) (Verified, error) {
	v := Verified{Head: noHash}
	var refs []string
	var last int64
	var head string
	if err := db.read.QueryRowContext(ctx, readHead, db.workspace, string(id)).Scan(&last, &head); err != nil {
		return v, fmt.Errorf("read the head of %s: %w", id, orUnknown(err))
	}
	err := db.eachLine(ctx, db.read, readLines, []any{db.workspace, string(id), int64(0), last, last + 1}, func(l line) error {
		v.Lines++
		if l.seq != v.Lines || l.prev != v.Head {
			return fmt.Errorf("line %d of %s does not follow the line before", l.seq, id)
		}
		sum, err := l.sum(db.workspace)
		if err != nil {
			return err
		}
		if sum != l.hash {
			return fmt.Errorf("line %d of %s was changed", l.seq, id)
		}
		v.Head = sum
		r, err := l.recorded()
		if err != nil {
			return err
		}
		incident.EachSealed(&r, func(s *incident.Sealed) {
			if s.Ref != "" {
				refs = append(refs, s.Ref)
			}
		})
		return nil
	})
	if err != nil {
		return v, err
	}
	if v.Lines != last || v.Head != head {
		return v, fmt.Errorf("the record of %s ends at line %d, its head speaks of line %d", id, v.Lines, last)
	}
	texts, err := db.texts(ctx, db.read, refs)
	if err != nil {
		return v, err
	}
	v.Texts = len(texts)
	for _, ref := range uniq(refs) {
		if _, there := texts[ref]; !there {
			v.Erased++
		}
	}
	return v, nil
}
