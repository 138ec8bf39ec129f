package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// SensorArchive is an archive that a host delivered: where it is kept, and the key that reads it.
type SensorArchive struct {
	Stored string `json:"stored"`
	Key    []byte `json:"key"`
	SHA256 string `json:"sha256"` // of the content, hex
	Size   int64  `json:"size"`   // bytes of the content
}

const (
	insertArchive = `INSERT INTO sensor_archives (workspace, id, kept, made) VALUES ($1,$2,$3,$4)
ON CONFLICT (workspace, id) DO UPDATE SET kept = excluded.kept, made = excluded.made`
	readArchive = `SELECT kept FROM sensor_archives WHERE workspace = $1 AND id = $2`
)

// KeepSensorArchive notes where an archive is. One of the same id takes its place.
func (db *DB) KeepSensorArchive(ctx context.Context, id string, a SensorArchive) error {
	plain, err := json.Marshal(a)
	if err == nil {
		kept := db.master.Seal(nil, nil, plain, db.bound("sensor archive "+id))
		err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
			_, err := q.ExecContext(ctx, insertArchive, db.workspace, id, kept, stamp(db.now()))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("note where an archive is: %w", err)
	}
	return nil
}

// SensorArchive finds an archive; ok is false when there is none.
func (db *DB) SensorArchive(ctx context.Context, id string) (a SensorArchive, ok bool, err error) {
	var kept []byte
	err = db.read.QueryRowContext(ctx, readArchive, db.workspace, id).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err == nil {
		err = db.unseal(kept, "sensor archive "+id, &a)
	}
	if err != nil {
		return SensorArchive{}, false, fmt.Errorf("find an archive: %w", err)
	}
	return a, true, nil
}
