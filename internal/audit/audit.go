// Package audit proves what the record says. The store chains every line of an
// incident to the line before; here the ends of those chains, the heads, are signed,
// the record is written to a file that can be handed over, and such a file is
// verified by somebody who has nothing but it and a public key.
//
// It depends on the standard library alone: whoever checks the record needs nothing
// of what wrote it. Start with Verify; docs/audit.md has the format, and
// docs/audit-verify.py says the same in another language.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// NoHash stands before the first line of a stream.
const NoHash = "0000000000000000000000000000000000000000000000000000000000000000"

// Line is a line of the record exactly as it is stored. Times are unix milliseconds,
// Occurred is 0 where it was never said; Data is the stored text, byte for byte.
type Line struct {
	Stream   string `json:"stream"`
	Seq      int64  `json:"seq"`
	Kind     string `json:"kind"`
	V        int    `json:"v"`
	At       int64  `json:"at"`
	Occurred int64  `json:"occurred"`
	Actor    string `json:"actor"`
	Via      string `json:"via"`
	Root     string `json:"root"`
	Data     string `json:"data"`
	Prev     string `json:"prev"`
	Hash     string `json:"hash"`
}

// Sum is the hash the line must have: SHA-256 over the 32 bytes of the hash before
// and eleven fields, each with its length before it. ok is false when the hash before
// is not one.
func (l Line) Sum(workspace string) (sum string, ok bool) {
	if !isHex(l.Prev, sha256.Size) {
		return "", false
	}
	prev, _ := hex.DecodeString(l.Prev) // just looked at
	whole := append(prev, fields(workspace, l.Stream, l.Seq, l.Kind, int64(l.V), l.At, l.Occurred, l.Actor, l.Via, l.Root, l.Data)...)
	s := sha256.Sum256(whole)
	return hex.EncodeToString(s[:]), true
}

// Text is a sealed text opened. Ref is the hex SHA-256 of salt and text.
type Text struct {
	Ref        string
	Salt, Text []byte
}

// Head says, signed by Key, that line Seq of a stream had this hash.
type Head struct {
	Stream    string `json:"stream"`
	Seq       int64  `json:"seq"`
	Hash      string `json:"hash"`
	At        int64  `json:"at"` // unix milliseconds
	Key       string `json:"key"`
	Signature string `json:"sig"`
}

func (h Head) statement(workspace string) []byte {
	return fields("tocsin audit head 1", workspace, h.Stream, h.Seq, h.Hash, h.At, h.Key)
}

// Key is a public key that signs heads. It signs itself together with the key before
// it, and is signed by that one, so that who trusts any one of them has them all.
type Key struct {
	ID     string `json:"id"`      // first 8 bytes of the SHA-256 of the public key, hex
	Public string `json:"public"`  // ed25519, hex
	At     int64  `json:"at"`      // unix milliseconds; the key before signs nothing later
	Prev   string `json:"prev"`    // id of the key before, "" for the first
	ByPrev string `json:"by_prev"` // signature by that key, "" for the first and where that key was lost
	BySelf string `json:"by_self"`
}

func (k Key) statement(workspace string, before Key) []byte {
	return fields("tocsin audit key 1", workspace, k.ID, k.Public, k.At, before.ID, before.Public)
}

// KeyID names a public key.
func KeyID(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// Unsigned is a stream with lines after its last signed head: its end as it is now,
// and that head (Seq 0 when there is none).
type Unsigned struct {
	Stream string
	Seq    int64
	Hash   string
	Signed Head
}

// View is the record at one moment.
type View interface {
	Keys(ctx context.Context) ([]Key, error)
	// Streams are the ids of all streams with a line or a signed head, in order.
	Streams(ctx context.Context) ([]string, error)
	// Lines are up to n lines of a stream after number after, in order.
	Lines(ctx context.Context, stream string, after int64, n int) ([]Line, error)
	// Heads are the signed heads of a stream, in order.
	Heads(ctx context.Context, stream string) ([]Head, error)
	// Texts opens what is sealed under refs; what was erased is missing.
	Texts(ctx context.Context, refs []string) (map[string]Text, error)
	// Erasure finds the line of any stream that says the text was erased.
	Erasure(ctx context.Context, ref string) (Line, bool, error)
	// Unsigned returns up to n streams (the one named, or any for "").
	Unsigned(ctx context.Context, stream string, n int) ([]Unsigned, error)
}

// Book is the record and where heads and keys are kept.
type Book interface {
	View(ctx context.Context, f func(View) error) error
	// AddHeads keeps heads signed by the newest key; none of them when it is another.
	AddHeads(ctx context.Context, key string, heads []Head) error
	// AddKey adds what sign makes of the key before and the time of the latest head.
	AddKey(ctx context.Context, sign func(before Key, latest int64) (Key, error)) error
}

// fields puts values one after the other so that none can lend bytes to its
// neighbour: the length in bytes in decimal, a colon, the bytes. Numbers are decimal.
func fields(values ...any) []byte {
	var out []byte
	for _, v := range values {
		var s string
		switch v := v.(type) {
		case string:
			s = v
		case int64:
			s = strconv.FormatInt(v, 10)
		}
		out = strconv.AppendInt(out, int64(len(s)), 10)
		out = append(out, ':')
		out = append(out, s...)
	}
	return out
}

// isHex reports whether s is n bytes in lower-case hex: one way to write each.
func isHex(s string, n int) bool {
	if len(s) != 2*n {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Refs are the digests of sealed texts that a line's data speaks of, in order, each
// once: every object with "ref" as its only member and a SHA-256 in hex as its value.
func Refs(data string) []string {
	var v any
	if json.Unmarshal([]byte(data), &v) != nil {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	walk(v, func(ref string) {
		if !seen[ref] {
			seen[ref] = true
			out = append(out, ref)
		}
	})
	return out
}

// Since is when the key began to sign.
func (k Key) Since() time.Time { return moment(k.At) }
