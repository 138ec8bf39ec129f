package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Replica is a server that passes its hosts on to others.
type Replica struct {
	ID      string
	Address string // at which others reach it
	Seen    time.Time
}

type keptReplica struct {
	Address string `json:"address"`
}

const (
	putReplica  = `INSERT INTO replicas (workspace, id, kept, seen) VALUES ($1,$2,$3,$4) ON CONFLICT (workspace, id) DO UPDATE SET kept = excluded.kept, seen = excluded.seen`
	oldReplicas = `DELETE FROM replicas WHERE workspace = $1 AND seen < $2`
	dropReplica = `DELETE FROM replicas WHERE workspace = $1 AND id = $2`
	readSeen    = `SELECT id, kept, seen FROM replicas WHERE workspace = $1 AND seen >= $2 ORDER BY id LIMIT $3`
)

const (
	maxReplicas = 100
	// goneReplica is after how long a replica that said nothing is forgotten.
	goneReplica = 24 * time.Hour
)

// ReplicaSeen notes that a replica is there, and forgets those that have been away for a day.
func (db *DB) ReplicaSeen(ctx context.Context, r Replica) error {
	plain, err := json.Marshal(keptReplica{r.Address})
	if err == nil {
		kept := db.master.Seal(nil, nil, plain, db.bound("replica "+r.ID))
		err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
			if _, err := q.ExecContext(ctx, oldReplicas, db.workspace, stamp(r.Seen.Add(-goneReplica))); err != nil {
				return err
			}
			_, err := q.ExecContext(ctx, putReplica, db.workspace, r.ID, kept, stamp(r.Seen))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("note that this replica is there: %w", err)
	}
	return nil
}

// ReplicaLeaves forgets one that stops. One that is not there is no error.
func (db *DB) ReplicaLeaves(ctx context.Context, id string) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, dropReplica, db.workspace, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget a replica: %w", err)
	}
	return nil
}

// Replicas are those that were seen since a moment, up to 100. A row that this database's
// key did not write is left out, and the error says so beside the others.
func (db *DB) Replicas(ctx context.Context, since time.Time) (out []Replica, err error) {
	rows, err := db.read.QueryContext(ctx, readSeen, db.workspace, stamp(since), maxReplicas)
	if err != nil {
		return nil, fmt.Errorf("list the replicas: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var foreign error
	for rows.Next() {
		var r Replica
		var kept []byte
		var seen int64
		if err := rows.Scan(&r.ID, &kept, &seen); err != nil {
			return nil, fmt.Errorf("list the replicas: %w", err)
		}
		var k keptReplica
		if err := db.unseal(kept, "replica "+r.ID, &k); err != nil {
			foreign = errors.Join(foreign, err)
			continue
		}
		r.Address, r.Seen = k.Address, unstamp(seen)
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the replicas: %w", err)
	}
	return out, foreign
}
