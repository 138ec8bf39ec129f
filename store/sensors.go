package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// SensorToken is what is known of a token that enrols a host: never the token itself.
type SensorToken struct {
	ID      string
	Host    string // that it is for; "" any new one
	Hash    []byte // SHA-256 of the token
	By      string
	Made    time.Time
	Expires time.Time
	Spent   time.Time // zero: it is not
}

// Sensor is the agent of a host.
type Sensor struct {
	ID       string
	Host     string
	Machine  string
	Enrolled time.Time
	Revoked  time.Time // zero: it is not
	Seen     time.Time // zero: never
	About    []byte    // JSON, as the host told it
}

// Errors of EnrolSensor.
var (
	ErrTokenSpent = errors.New("the token was spent before")
	ErrHostTaken  = errors.New("the host has an agent already")
)

type keptSensorToken struct {
	Host    string `json:"host,omitempty"`
	Hash    []byte `json:"hash"`
	By      string `json:"by,omitempty"`
	Made    int64  `json:"made"`
	Expires int64  `json:"expires"`
}

type keptSensor struct {
	Host     string `json:"host"`
	Machine  string `json:"machine"`
	Enrolled int64  `json:"enrolled"`
}

const (
	insertEnrolment = `INSERT INTO sensor_tokens (workspace, id, kept, spent) VALUES ($1,$2,$3,0)`
	readEnrolment   = `SELECT kept, spent FROM sensor_tokens WHERE workspace = $1 AND id = $2`
	spendEnrolment  = `UPDATE sensor_tokens SET spent = $1 WHERE workspace = $2 AND id = $3 AND spent = 0`
	insertSensor    = `INSERT INTO sensors (workspace, id, host, kept, revoked, seen, about, number) VALUES ($1,$2,$3,$4,0,0,'',0) ON CONFLICT DO NOTHING`
	replaceSensor   = `UPDATE sensors SET revoked = $1 WHERE workspace = $2 AND host = $3 AND revoked = 0`
	revokeSensor    = `UPDATE sensors SET revoked = $1 WHERE workspace = $2 AND id = $3 AND revoked = 0`
	readSensor      = `SELECT id, host, kept, revoked, seen, about FROM sensors WHERE workspace = $1 AND id = $2`
	readSensors     = `SELECT id, host, kept, revoked, seen, about FROM sensors WHERE workspace = $1 AND revoked = 0 ORDER BY host LIMIT $2`
	sawSensor       = `UPDATE sensors SET seen = $1, about = $2 WHERE workspace = $3 AND id = $4`
	numberSensor    = `UPDATE sensors SET number = 1 + CASE WHEN number < $1 THEN $2 ELSE number END WHERE workspace = $3 AND id = $4 RETURNING number`
)

// maxSensors bounds the list of a workspace's hosts.
const maxSensors = 100_000

// AddSensorToken keeps a token. Its id must be new.
func (db *DB) AddSensorToken(ctx context.Context, t SensorToken) error {
	plain, err := json.Marshal(keptSensorToken{t.Host, t.Hash, t.By, stamp(t.Made), stamp(t.Expires)})
	if err == nil {
		kept := db.master.Seal(nil, nil, plain, db.bound("sensor token "+t.ID))
		err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
			_, err := q.ExecContext(ctx, insertEnrolment, db.workspace, t.ID, kept)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep an enrolment token: %w", err)
	}
	return nil
}

// SensorToken finds a token by its id; ok is false when there is none. A row that was not
// written with this database's key is an error.
func (db *DB) SensorToken(ctx context.Context, id string) (t SensorToken, ok bool, err error) {
	var kept []byte
	var spent int64
	err = db.read.QueryRowContext(ctx, readEnrolment, db.workspace, id).Scan(&kept, &spent)
	if errors.Is(err, sql.ErrNoRows) {
		return t, false, nil
	}
	var k keptSensorToken
	if err == nil {
		err = db.unseal(kept, "sensor token "+id, &k)
	}
	if err != nil {
		return t, false, fmt.Errorf("read an enrolment token: %w", err)
	}
	return SensorToken{ID: id, Host: k.Host, Hash: k.Hash, By: k.By, Made: unstamp(k.Made), Expires: unstamp(k.Expires), Spent: unstamp(spent)}, true, nil
}

// unseal reads what was encrypted for one row and no other.
func (db *DB) unseal(kept []byte, ref string, into any) error {
	plain, err := db.master.Open(nil, nil, kept, db.bound(ref))
	if err != nil {
		return fmt.Errorf("%.60s was not written with this key: %w", ref, err)
	}
	return json.Unmarshal(plain, into)
}

// EnrolSensor spends a token and adds an agent, both or neither. It returns ErrTokenSpent, or
// ErrHostTaken when the host has an agent that is not to be replaced.
func (db *DB) EnrolSensor(ctx context.Context, token string, s Sensor, replace bool) error {
	plain, err := json.Marshal(keptSensor{s.Host, s.Machine, stamp(s.Enrolled)})
	if err != nil {
		return fmt.Errorf("enrol a host: %w", err)
	}
	kept := db.master.Seal(nil, nil, plain, db.bound("sensor "+s.ID))
	err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
		if n, err := changed(q.ExecContext(ctx, spendEnrolment, stamp(s.Enrolled), db.workspace, token)); err != nil || n == 0 {
			return errors.Join(err, ErrTokenSpent)
		}
		if replace {
			if _, err := q.ExecContext(ctx, replaceSensor, stamp(s.Enrolled), db.workspace, s.Host); err != nil {
				return err
			}
		}
		n, err := changed(q.ExecContext(ctx, insertSensor, db.workspace, s.ID, s.Host, kept))
		if err == nil && n == 0 {
			return ErrHostTaken
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("enrol a host: %w", err)
	}
	return nil
}

func changed(done sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// Sensors are the agents that are not revoked.
func (db *DB) Sensors(ctx context.Context) ([]Sensor, error) {
	rows, err := db.read.QueryContext(ctx, readSensors, db.workspace, maxSensors)
	if err != nil {
		return nil, fmt.Errorf("list sensors: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Sensor
	for rows.Next() {
		s, err := db.scanSensor(rows)
		if err != nil {
			return nil, fmt.Errorf("list sensors: %w", err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// Sensor finds an agent by its id, a revoked one too; ok is false when there is none.
func (db *DB) Sensor(ctx context.Context, id string) (s Sensor, ok bool, err error) {
	s, err = db.scanSensor(db.read.QueryRowContext(ctx, readSensor, db.workspace, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Sensor{}, false, nil
	}
	if err != nil {
		return Sensor{}, false, fmt.Errorf("read a sensor: %w", err)
	}
	return s, true, nil
}

func (db *DB) scanSensor(row interface{ Scan(...any) error }) (Sensor, error) {
	var s Sensor
	var kept []byte
	var revoked, seen int64
	var host, about string
	if err := row.Scan(&s.ID, &host, &kept, &revoked, &seen, &about); err != nil {
		return Sensor{}, err
	}
	var k keptSensor
	if err := db.unseal(kept, "sensor "+s.ID, &k); err != nil {
		return Sensor{}, err
	}
	if k.Host != host {
		return Sensor{}, fmt.Errorf("sensor %.20s was given to another host", s.ID)
	}
	s.Host, s.Machine, s.Enrolled = k.Host, k.Machine, unstamp(k.Enrolled)
	s.Revoked, s.Seen, s.About = unstamp(revoked), unstamp(seen), []byte(about)
	return s, nil
}

// RevokeSensor ends an agent, everywhere. ok is false when there is none, or it was revoked before.
func (db *DB) RevokeSensor(ctx context.Context, id string, at time.Time) (ok bool, err error) {
	err = db.write.do(ctx, func(ctx context.Context, q querier) error {
		n, err := changed(q.ExecContext(ctx, revokeSensor, stamp(at), db.workspace, id))
		ok = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("revoke a sensor: %w", err)
	}
	return ok, nil
}

// SensorSeen notes what a host told of itself.
func (db *DB) SensorSeen(ctx context.Context, id string, at time.Time, about []byte) error {
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, sawSensor, stamp(at), string(about), db.workspace, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that a sensor was seen: %w", err)
	}
	return nil
}

// SensorOrder is the next number for an order to an agent: above every one before, and above one
// that the host has accepted.
func (db *DB) SensorOrder(ctx context.Context, id string, above uint64) (uint64, error) {
	if above >= 1<<62 {
		return 0, errors.New("number an order: the host has accepted a number that was never given")
	}
	var n int64
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRowContext(ctx, numberSensor, int64(above), int64(above), db.workspace, id).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("number an order: %w", err)
	}
	return uint64(n), nil
}
