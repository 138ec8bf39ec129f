package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// CachePut keeps what was learned from outside, encrypted, with the time it was true.
func (db *DB) CachePut(ctx context.Context, space, key string, value []byte, at time.Time) error {
	kept := db.master.Seal(nil, nil, value, db.bound("cache "+space+" "+key))
	err := db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, putCache, db.workspace, space, key, kept, stamp(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("cache %s: %w", space, err)
	}
	return nil
}

// CacheChange has change make the new value out of the one that is kept, nil where there is
// none, while nobody else changes it. The time written down is at, or a millisecond after the
// time before where that is later: it counts up, and names one value and no other. An error
// of change is returned, and leaves everything as it was.
func (db *DB) CacheChange(ctx context.Context, space, key string, at time.Time, change func(was []byte) ([]byte, error)) (written time.Time, err error) {
	bound := db.bound("cache " + space + " " + key)
	err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
		// The row is there before it is locked: else two could make it at once.
		if _, err := q.ExecContext(ctx, beginCache, db.workspace, space, key, db.master.Seal(nil, nil, nil, bound)); err != nil {
			return err
		}
		var kept []byte
		var ms int64
		if err := q.QueryRowContext(ctx, readCache+db.dialect.forUpdate, db.workspace, space, key).Scan(&kept, &ms); err != nil {
			return err
		}
		was, err := db.master.Open(nil, nil, kept, bound)
		if err != nil {
			return err
		}
		now, err := change(was)
		if err != nil {
			return err
		}
		ms = max(stamp(at), ms+1)
		written = unstamp(ms)
		_, err = q.ExecContext(ctx, putCache, db.workspace, space, key, db.master.Seal(nil, nil, now, bound), ms)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("change cache %s: %w", space, err)
	}
	return written, nil
}

// CacheGet returns what was kept and since when; ok is false when there is nothing.
// How old is too old is the reader's to say.
func (db *DB) CacheGet(ctx context.Context, space, key string) (value []byte, at time.Time, ok bool, err error) {
	var kept []byte
	var ms int64
	err = db.read.QueryRowContext(ctx, readCache, db.workspace, space, key).Scan(&kept, &ms)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, false, nil
	}
	if err == nil {
		value, err = db.master.Open(nil, nil, kept, db.bound("cache "+space+" "+key))
	}
	if err != nil {
		return nil, time.Time{}, false, fmt.Errorf("read cache %s: %w", space, err)
	}
	return value, unstamp(ms), true, nil
}

// SavePlan keeps an accepted plan by its digest. The same digest again changes nothing.
func (db *DB) SavePlan(ctx context.Context, digest string, files []byte) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, insertPlan, db.workspace, digest, files)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep plan %s: %w", digest, err)
	}
	return nil
}

// Plan returns the plan of a digest, if it was ever accepted.
func (db *DB) Plan(ctx context.Context, digest string) ([]byte, bool, error) {
	var files []byte
	err := db.read.QueryRowContext(ctx, readPlan, db.workspace, digest).Scan(&files)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read plan %s: %w", digest, err)
	}
	return files, true, nil
}
