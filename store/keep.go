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
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, putCache, db.workspace, space, key, kept, stamp(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("cache %s: %w", space, err)
	}
	return nil
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
