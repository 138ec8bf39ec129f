package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// Belong gives the incidents and registers whose lines speak of sealed texts, each once,
// in order; what was captured of a room belongs to its incident. An erased text is
// nobody's any more.
func (db *DB) Belong(ctx context.Context, refs []string) ([]incident.ID, error) {
	var out []incident.ID
	for part := range slices.Chunk(uniq(slices.Clone(refs)), 400) {
		args, list := []any{db.workspace}, make([]string, len(part))
		for i, ref := range part {
			args, list[i] = append(args, ref), "$"+strconv.Itoa(i+2)
		}
		rows, err := db.read.QueryContext(ctx, streamsOfSealed+"("+strings.Join(list, ",")+")", args...)
		if err != nil {
			return nil, fmt.Errorf("look whose texts they are: %w", err)
		}
		streams, err := scanAll[string](rows)
		if err != nil {
			return nil, fmt.Errorf("look whose texts they are: %w", err)
		}
		for _, s := range streams {
			out = append(out, incident.ID(strings.TrimSuffix(s, roomSuffix)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// PreservedKeys gives the Refs of the texts that the register of a deed's target holds
// of what was preserved before the deed: a copy of the names and, above all, of the
// keys. Who erases the keys in the incident's record alone has erased nothing.
func (db *DB) PreservedKeys(ctx context.Context, id incident.ID, deed, index int) ([]string, error) {
	s, err := db.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	d, ok := s.Deed(deed)
	if !ok || index < 0 || index >= len(d.Targets) || d.Targets[index].Register == "" {
		return nil, nil
	}
	const page = 1000
	var refs []string
	for after := int64(0); ; {
		some, err := db.Timeline(ctx, d.Targets[index].Register, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			kept, ok := r.Event.(incident.HoldPreserved)
			if !ok || kept.HoldKey != (incident.HoldKey{Incident: id, Deed: deed, Index: index}) {
				continue
			}
			incident.EachSealed(&kept, func(t *incident.Sealed) {
				if t.Ref != "" && t.Text != "" {
					refs = append(refs, t.Ref)
				}
			})
		}
		if len(some) < page {
			return refs, nil
		}
		after = some[len(some)-1].Seq
	}
}
