package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// Token is what is known of a person's token: never the token itself.
type Token struct {
	ID      string // not secret: it names the token in lists and logs
	Person  incident.PersonID
	Name    string // "laptop"
	Hash    []byte // SHA-256 of the token
	Made    time.Time
	Expires time.Time
	Used    time.Time // last, to the minute; zero: never
	Revoked time.Time // zero: it is not
}

// Good reports whether the token may be used at now.
func (t Token) Good(now time.Time) bool { return t.Revoked.IsZero() && now.Before(t.Expires) }

// keptToken is the part of a Token that nobody may change.
type keptToken struct {
	Person  incident.PersonID `json:"person"`
	Name    string            `json:"name,omitempty"`
	Hash    []byte            `json:"hash"`
	Made    int64             `json:"made"`
	Expires int64             `json:"expires"`
}

//nolint:gosec // statements that speak of tokens, and hold none
const (
	insertToken = `INSERT INTO tokens (workspace, id, kept, used, revoked) VALUES ($1,$2,$3,0,0)`
	readToken   = `SELECT id, kept, used, revoked FROM tokens WHERE workspace = $1 AND id = $2`
	readTokens  = `SELECT id, kept, used, revoked FROM tokens WHERE workspace = $1 ORDER BY id LIMIT $2`
	revokeToken = `UPDATE tokens SET revoked = $1 WHERE workspace = $2 AND id = $3 AND revoked = 0`
	useToken    = `UPDATE tokens SET used = $1 WHERE workspace = $2 AND id = $3 AND used < $4`
)

// AddToken keeps a token. Its id must be new.
func (db *DB) AddToken(ctx context.Context, t Token) error {
	plain, err := json.Marshal(keptToken{t.Person, t.Name, t.Hash, stamp(t.Made), stamp(t.Expires)})
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	kept := db.master.Seal(nil, nil, plain, db.bound("token "+t.ID))
	err = db.writeWrapped(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, insertToken, db.workspace, t.ID, kept)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a token: %w", err)
	}
	return nil
}

// Token finds a token by its id; ok is false when there is none. A row that was not
// written with this database's key is an error.
func (db *DB) Token(ctx context.Context, id string) (t Token, ok bool, err error) {
	t, err = db.scanToken(db.read.QueryRowContext(ctx, readToken, db.workspace, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, false, nil
	}
	if err != nil {
		return Token{}, false, fmt.Errorf("read a token: %w", err)
	}
	return t, true, nil
}

// Tokens are all tokens, those that are good for nothing any more included.
func (db *DB) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := db.read.QueryContext(ctx, readTokens, db.workspace, maxRead)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Token
	for rows.Next() {
		t, err := db.scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// RevokeToken ends a token at once, everywhere. ok is false when there is none, or it
// was revoked before.
func (db *DB) RevokeToken(ctx context.Context, id string, at time.Time) (ok bool, err error) {
	err = db.write.do(ctx, func(ctx context.Context, q querier) error {
		done, err := q.ExecContext(ctx, revokeToken, stamp(at), db.workspace, id)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		ok = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("revoke a token: %w", err)
	}
	return ok, nil
}

// usedEvery is how exactly is kept when a token was used last: a write for every
// request would make readers wait for the disk.
const usedEvery = time.Minute

// TokenUsed notes that a token was used at a time.
func (db *DB) TokenUsed(ctx context.Context, t Token, at time.Time) error {
	if at.Sub(t.Used) < usedEvery {
		return nil
	}
	err := db.write.do(ctx, func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, useToken, stamp(at), db.workspace, t.ID, stamp(at.Add(-usedEvery)))
		return err
	})
	if err != nil {
		return fmt.Errorf("note a token's use: %w", err)
	}
	return nil
}

func (db *DB) scanToken(row interface{ Scan(...any) error }) (Token, error) {
	var t Token
	var kept []byte
	var used, revoked int64
	if err := row.Scan(&t.ID, &kept, &used, &revoked); err != nil {
		return Token{}, err
	}
	plain, err := db.master.Open(nil, nil, kept, db.bound("token "+t.ID))
	if err != nil {
		return Token{}, fmt.Errorf("token %.16s was not written with this key: %w", t.ID, err)
	}
	var k keptToken
	if err := json.Unmarshal(plain, &k); err != nil {
		return Token{}, err
	}
	t.Person, t.Name, t.Hash = k.Person, k.Name, k.Hash
	t.Made, t.Expires = unstamp(k.Made), unstamp(k.Expires)
	t.Used, t.Revoked = unstamp(used), unstamp(revoked)
	return t, nil
}
