package store

import (
	"context"
	"fmt"
	"time"
)

// Owing counts what the world is owed of one kind of effect.
type Owing struct {
	Kind    string
	Later   int64         // not due yet
	Due     int64         // due: under way, or waiting for a retry
	Queued  int64         // behind another of its lane
	Dead    int64         // given up, ever
	Longest time.Duration // since the one longest due fell due; 0 when none is
}

// due is when it was owed for; due_at moves with every lease and retry, so that an
// effect that fails again and again grows old by the first. One part for each state,
// so that each is read from its index and what is done is not read at all.
const countEffects = `
SELECT kind,
  SUM(CASE WHEN state = 'open' AND due > $2 THEN 1 ELSE 0 END),
  SUM(CASE WHEN state = 'open' AND due <= $2 THEN 1 ELSE 0 END),
  SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END),
  SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END),
  COALESCE(MIN(CASE WHEN state = 'open' AND due <= $2 THEN due END), 0)
FROM (SELECT kind, state, due FROM effects WHERE workspace = $1 AND state = 'open'
  UNION ALL SELECT kind, state, due FROM effects WHERE workspace = $1 AND state = 'queued'
  UNION ALL SELECT kind, state, due FROM effects WHERE workspace = $1 AND state = 'dead') AS owed
GROUP BY kind ORDER BY kind`

// Owing counts effects that are not done, by kind, as they stand at now.
func (db *DB) Owing(ctx context.Context, now time.Time) ([]Owing, error) {
	rows, err := db.read.QueryContext(ctx, countEffects, db.workspace, stamp(now))
	if err != nil {
		return nil, fmt.Errorf("count effects: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Owing
	for rows.Next() {
		var o Owing
		var since int64
		if err := rows.Scan(&o.Kind, &o.Later, &o.Due, &o.Queued, &o.Dead, &since); err != nil {
			return nil, fmt.Errorf("count effects: %w", err)
		}
		if since != 0 {
			o.Longest = max(0, now.Sub(unstamp(since)))
		}
		out = append(out, o)
	}
	return out, rows.Err()
}
