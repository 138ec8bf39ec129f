package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// saltSize is how many random bytes stand before a text, so that its digest tells
// nothing about a text that could be guessed.
const saltSize = 32

// boxed is a text on its way into the tables: body is nonce and AES-256-GCM of salt
// and text under a key of its own; wrapped is nonce and AES-256-GCM of that key under
// the master key. Both are bound to workspace and ref, so that neither can be moved
// to another row.
type boxed struct {
	ref, text     string
	body, wrapped []byte
}

func newMaster(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("the master key has %d bytes, it needs 32", len(key))
	}
	return newAEAD(key)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (db *DB) box(text string) (boxed, error) {
	plain := make([]byte, saltSize, saltSize+len(text))
	_, _ = rand.Read(plain) // never fails
	plain = append(plain, text...)
	sum := sha256.Sum256(plain)
	b := boxed{ref: hex.EncodeToString(sum[:]), text: text}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	own, err := newAEAD(key)
	if err != nil {
		return boxed{}, err
	}
	b.body = own.Seal(nil, nil, plain, db.bound(b.ref))
	b.wrapped = db.master.Seal(nil, nil, key, db.bound(b.ref))
	return b, nil
}

func (db *DB) unbox(ref string, body, wrapped []byte) (string, error) {
	key, err := db.master.Open(nil, nil, wrapped, db.bound(ref))
	if err != nil {
		return "", fmt.Errorf("unwrap the key of text %.8s…: %w", ref, err)
	}
	own, err := newAEAD(key)
	if err != nil {
		return "", err
	}
	plain, err := own.Open(nil, nil, body, db.bound(ref))
	if err != nil {
		return "", fmt.Errorf("open text %.8s…: %w", ref, err)
	}
	if sum := sha256.Sum256(plain); len(plain) < saltSize || hex.EncodeToString(sum[:]) != ref {
		return "", fmt.Errorf("text %.8s… is not the one the record speaks of", ref)
	}
	return string(plain[saltSize:]), nil
}

func (db *DB) bound(ref string) []byte { return []byte("tocsin/1 " + db.workspace + " " + ref) }

// seal gives a Ref to every text reachable from v, a pointer, that has none. A text
// that already has one was stored before and keeps it; an empty one is not sealed.
func (db *DB) seal(v any, into map[string]boxed) error {
	var failed error
	incident.EachSealed(v, func(s *incident.Sealed) {
		if s.Ref != "" || s.Text == "" || failed != nil {
			return
		}
		b, err := db.box(s.Text)
		failed = err
		into[b.ref], s.Ref = b, b.ref
	})
	return failed
}

// fill puts back the texts of everything reachable from v, a pointer, in one read. A
// text that was erased stays empty.
func (db *DB) fill(ctx context.Context, q querier, v any) error {
	var refs []string
	incident.EachSealed(v, func(s *incident.Sealed) {
		if s.Ref != "" {
			refs = append(refs, s.Ref)
		}
	})
	if len(refs) == 0 {
		return nil
	}
	texts, err := db.texts(ctx, q, refs)
	if err != nil {
		return err
	}
	incident.EachSealed(v, func(s *incident.Sealed) { s.Text = texts[s.Ref] })
	return nil
}

// texts reads what is sealed under refs; what was erased is missing from the answer.
func (db *DB) texts(ctx context.Context, q querier, refs []string) (map[string]string, error) {
	slices.Sort(refs)
	refs = slices.Compact(refs)
	texts := make(map[string]string, len(refs))
	for part := range slices.Chunk(refs, 400) {
		if err := db.someTexts(ctx, q, part, texts); err != nil {
			return nil, fmt.Errorf("read sealed texts: %w", err)
		}
	}
	return texts, nil
}

func (db *DB) someTexts(ctx context.Context, q querier, refs []string, into map[string]string) error {
	// A few sizes of list only, so that prepared statements are few: the last is repeated.
	size := 1
	for size < len(refs) {
		size = min(size*4, 400)
	}
	args := []any{db.workspace}
	var list strings.Builder
	for i := range size {
		args = append(args, refs[min(i, len(refs)-1)])
		if i > 0 {
			list.WriteByte(',')
		}
		list.WriteString("$" + strconv.Itoa(i+2))
	}
	rows, err := q.QueryContext(ctx, readSealed+"("+list.String()+")", args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var ref string
		var body, wrapped []byte
		if err := rows.Scan(&ref, &body, &wrapped); err != nil {
			return err
		}
		if into[ref], err = db.unbox(ref, body, wrapped); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ErrKey says that a database was opened with another master key than its own.
var ErrKey = errors.New("the master key is not the one this database was made with")

// keyProof is what a database keeps, encrypted, to know its master key again.
const keyProof = "this key opens this database"

// checkKey refuses to work with a key that would seal new texts beside old ones
// which nobody could read any more.
func (db *DB) checkKey(ctx context.Context) error {
	aad := db.bound("master")
	return db.write.do(ctx, func(ctx context.Context, q querier) error {
		if _, err := q.ExecContext(ctx, insertFact, db.workspace, "master", db.master.Seal(nil, nil, []byte(keyProof), aad)); err != nil {
			return fmt.Errorf("check the master key: %w", err)
		}
		var kept []byte
		if err := q.QueryRowContext(ctx, readFact, db.workspace, "master").Scan(&kept); err != nil {
			return fmt.Errorf("check the master key: %w", err)
		}
		if _, err := db.master.Open(nil, nil, kept, aad); err != nil {
			return ErrKey
		}
		if err := q.QueryRowContext(ctx, readRekeyed, db.workspace).Scan(&db.rekeyed); err != nil {
			return fmt.Errorf("check the master key: %w", err)
		}
		return nil
	})
}
