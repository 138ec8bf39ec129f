package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Request is what somebody asked for, was told that it is under way, and waits for.
type Request struct {
	ID      string
	Kind    string    // what the surface calls it
	Payload []byte    // for the surface to read again
	At      time.Time // it came in
	Tries   int       // times it was taken up by TakeRequests
}

type keptRequest struct {
	Kind    string `json:"kind"`
	Payload []byte `json:"payload"`
	At      int64  `json:"at"`
}

const (
	insertRequest = `INSERT INTO requests (workspace, id, kept, until, tries) VALUES ($1,$2,$3,$4,0) ON CONFLICT DO NOTHING`
	dropRequest   = `DELETE FROM requests WHERE workspace = $1 AND id = $2`
	anyRequest    = `SELECT COUNT(*) FROM requests WHERE workspace = $1 AND until < $2`
	leftRequests  = `SELECT id, kept, tries FROM requests WHERE workspace = $1 AND until < $2 ORDER BY until, id LIMIT $3`
	takeRequest   = `UPDATE requests SET until = $1, tries = tries + 1 WHERE workspace = $2 AND id = $3`
)

// mostRequests bounds how many are taken up at once.
const mostRequests = 100

// KeepRequest writes a request down, for its holder until then and for whoever takes it
// up after. It is on disk when this returns. An id that is there already is the same
// request: it stays as it is.
func (db *DB) KeepRequest(ctx context.Context, r Request, until time.Time) error {
	plain, err := json.Marshal(keptRequest{r.Kind, r.Payload, stamp(r.At)})
	if err == nil {
		kept := db.master.Seal(nil, nil, plain, db.bound("request "+r.ID))
		err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
			_, err := q.ExecContext(ctx, insertRequest, db.workspace, r.ID, kept, stamp(until))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep a request: %w", err)
	}
	return nil
}

// DropRequest forgets a request whose outcome was told. One that is not there is no error.
func (db *DB) DropRequest(ctx context.Context, id string) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, dropRequest, db.workspace, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget a request: %w", err)
	}
	return nil
}

// TakeRequests takes up those whose holder let them lie past now, the oldest first, and
// holds them until then: no other replica gets them. A row that this database's key did
// not write is left out, and the error says so beside the others.
func (db *DB) TakeRequests(ctx context.Context, now, until time.Time) ([]Request, error) {
	var n int64
	err := db.read.QueryRowContext(ctx, anyRequest, db.workspace, stamp(now)).Scan(&n)
	if err == nil && n == 0 {
		return nil, nil // nearly always, and nobody's commit waited for it
	}
	var out []Request
	var foreign error
	if err == nil {
		err = db.write.do(ctx, func(ctx context.Context, q querier) error {
			out, foreign = nil, nil
			rows, err := q.QueryContext(ctx, leftRequests+db.dialect.skipLocked, db.workspace, stamp(now), mostRequests) //nolint:sqlclosecheck // eachRow closes it
			if err != nil {
				return err
			}
			var ids []string
			err = eachRow(rows, func() error {
				var r Request
				var kept []byte
				if err := rows.Scan(&r.ID, &kept, &r.Tries); err != nil {
					return err
				}
				ids = append(ids, r.ID)
				var k keptRequest
				if err := db.unseal(kept, "request "+r.ID, &k); err != nil {
					foreign = errors.Join(foreign, err)
					return nil
				}
				r.Kind, r.Payload, r.At, r.Tries = k.Kind, k.Payload, unstamp(k.At), r.Tries+1
				out = append(out, r)
				return nil
			})
			for _, id := range ids {
				if err != nil {
					return err
				}
				_, err = q.ExecContext(ctx, takeRequest, stamp(until), db.workspace, id)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("take up requests: %w", err)
	}
	return out, foreign
}
