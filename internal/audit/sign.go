package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Signer holds the private key. Its zero value signs nothing.
type Signer struct{ private ed25519.PrivateKey }

// NewSigner makes a signer of a seed of 32 bytes.
func NewSigner(seed []byte) (Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return Signer{}, fmt.Errorf("the audit key has %d bytes, it needs %d", len(seed), ed25519.SeedSize)
	}
	return Signer{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public is the public key, hex.
func (s Signer) Public() string { return hex.EncodeToString(s.public()) }

// ID names the key.
func (s Signer) ID() string { return KeyID(s.public()) }

func (s Signer) public() []byte { return s.private.Public().(ed25519.PublicKey) }

func (s Signer) sign(statement []byte) string {
	return hex.EncodeToString(ed25519.Sign(s.private, statement))
}

func verified(public, signature string, statement []byte) bool {
	if !isHex(public, ed25519.PublicKeySize) || !isHex(signature, ed25519.SignatureSize) {
		return false
	}
	p, _ := hex.DecodeString(public)    // just looked at
	s, _ := hex.DecodeString(signature) // just looked at
	return ed25519.Verify(p, statement, s)
}

var errNotFirst = errors.New("another key was first this instant")

// Begin makes the signer's key the first of a workspace that has none. It errs when
// another key is the newest.
func Begin(ctx context.Context, b Book, workspace string, s Signer, now time.Time) error {
	keys, err := keysOf(ctx, b)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		err := b.AddKey(ctx, func(before Key, latest int64) (Key, error) {
			if before.ID != "" {
				return Key{}, errNotFirst
			}
			return follow(workspace, Key{}, Signer{}, s, now, latest), nil
		})
		if !errors.Is(err, errNotFirst) {
			return err
		}
		if keys, err = keysOf(ctx, b); err != nil {
			return err
		}
	}
	if newest := keys[len(keys)-1].ID; newest != s.ID() {
		return fmt.Errorf("heads are signed by key %s, and the key at hand is %s", newest, s.ID())
	}
	return nil
}

// Rotate makes next the key that signs from now on, signed by the one before.
func Rotate(ctx context.Context, b Book, workspace string, s, next Signer, now time.Time) error {
	return b.AddKey(ctx, func(before Key, latest int64) (Key, error) {
		if before.ID != s.ID() {
			return Key{}, fmt.Errorf("heads are signed by key %s, and the key at hand is %s", before.ID, s.ID())
		}
		return follow(workspace, before, s, next, now, latest), nil
	})
}

// TakeOver makes the signer's key the one that signs from now on though the key before
// is lost and cannot sign it. Who has only earlier keys will not believe it.
func TakeOver(ctx context.Context, b Book, workspace string, s Signer, now time.Time) error {
	keys, err := keysOf(ctx, b)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID == s.ID() {
			return fmt.Errorf("the key at hand, %s, is one of the workspace's already", k.ID)
		}
	}
	return b.AddKey(ctx, func(before Key, latest int64) (Key, error) {
		return follow(workspace, before, Signer{}, s, now, latest), nil
	})
}

// follow is the key after before. It begins no earlier than the latest head, however
// clocks differ, so that a key that was replaced never has a head after that.
func follow(workspace string, before Key, old, s Signer, now time.Time, latest int64) Key {
	k := Key{ID: s.ID(), Public: s.Public(), At: max(now.UnixMilli(), latest, before.At), Prev: before.ID}
	said := k.statement(workspace, before)
	if before.ID != "" && old.private != nil {
		k.ByPrev = old.sign(said)
	}
	k.BySelf = s.sign(said)
	return k
}

// A few at a time, so that signing never holds many rows or much memory.
const (
	atOnce   = 200 // streams
	linesPer = 500 // lines of one read
)

// Sign signs the present head of a stream, or of every stream when stream is "",
// where lines were written since its last signed head. It signs only what follows:
// the lines since are read, and each must be chained to the one before, the first to
// the signed head. What does not follow is not signed and is an error that names the
// stream and the line; the others are signed all the same.
func Sign(ctx context.Context, b Book, workspace string, s Signer, stream string, now time.Time) ([]Head, error) {
	keys, err := keysOf(ctx, b)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 || keys[len(keys)-1].ID != s.ID() {
		return nil, fmt.Errorf("sign heads: key %s is not the newest", s.ID())
	}
	trusted := map[string]Key{}
	for _, k := range keys {
		trusted[k.ID] = k
	}
	at := max(now.UnixMilli(), keys[len(keys)-1].At)
	var all []Head
	for {
		var todo []Unsigned
		err := b.View(ctx, func(v View) (err error) {
			todo, err = v.Unsigned(ctx, stream, atOnce)
			return err
		})
		if err != nil {
			return all, fmt.Errorf("sign heads: %w", err)
		}
		var heads []Head
		var wrong []error
		for _, u := range todo {
			if err := b.View(ctx, func(v View) error { return follows(ctx, v, workspace, trusted, u) }); err != nil {
				wrong = append(wrong, fmt.Errorf("the head of %s is not signed: %w", u.Stream, err))
				continue
			}
			h := Head{Stream: u.Stream, Seq: u.Seq, Hash: u.Hash, At: at, Key: s.ID()}
			h.Signature = s.sign(h.statement(workspace))
			heads = append(heads, h)
		}
		if len(heads) > 0 {
			if err := b.AddHeads(ctx, s.ID(), heads); err != nil {
				return all, err
			}
		}
		all = append(all, heads...)
		// Those that are wrong come again, so a round without a head would be the last.
		if len(todo) < atOnce || len(heads) == 0 {
			return all, errors.Join(wrong...)
		}
	}
}

// follows reads what was written since the last signed head.
func follows(ctx context.Context, v View, workspace string, keys map[string]Key, u Unsigned) error {
	prev, seq := NoHash, int64(0)
	if u.Signed.Seq > 0 {
		if !verified(keys[u.Signed.Key].Public, u.Signed.Signature, u.Signed.statement(workspace)) {
			return fmt.Errorf("the signature of its last head, line %d, is forged", u.Signed.Seq)
		}
		prev, seq = u.Signed.Hash, u.Signed.Seq
	}
	for seq < u.Seq {
		lines, err := v.Lines(ctx, u.Stream, seq, int(min(linesPer, u.Seq-seq)))
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			return fmt.Errorf("line %d is missing", seq+1)
		}
		for _, l := range lines {
			sum, ok := l.Sum(workspace)
			switch {
			case l.Seq != seq+1 || l.Prev != prev:
				return fmt.Errorf("line %d does not follow the line before", seq+1)
			case !ok || sum != l.Hash:
				return fmt.Errorf("line %d was changed", l.Seq)
			}
			prev, seq = l.Hash, l.Seq
		}
	}
	if prev != u.Hash {
		return fmt.Errorf("line %d is not the one the stream ends with", seq)
	}
	return nil
}

func keysOf(ctx context.Context, b Book) (keys []Key, err error) {
	err = b.View(ctx, func(v View) error {
		keys, err = v.Keys(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read audit keys: %w", err)
	}
	return keys, nil
}
