package link

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

// Whoever sits between, or has taken the server but not its key, sends changes: only one that leads to what was signed,
// from what is installed, is put into force.
func TestAChangeCountsOnlyAsWhatWasSigned(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(nil)
	_, other, _ := ed25519.GenerateKey(nil)
	sp, err := spool.Open(spool.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sp.Close() })
	var inForce []byte
	tried := 0
	l, err := New(Config{Dir: t.TempDir(), Identity: &Identity{Workspace: "acme", Pinned: pub}, Spool: sp, Memory: memory.New(memory.Options{Proc: t.TempDir(), Root: t.TempDir()}),
		Install: map[string]func([]byte) error{"intel": func(b []byte) error { inForce = b; return nil }, "sigma": func([]byte) error { return nil }},
		Change: map[string]func([]byte) ([]byte, error){"intel": func(b []byte) ([]byte, error) {
			tried++
			if string(b) == "bad" {
				return nil, errors.New("it cannot be read")
			}
			return append(bytes.Clone(inForce), b...), nil
		}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.install(wire.SignSet(key, "acme", "intel", 1, []byte("a")), true); got.GetTrouble() != "" {
		t.Fatal(got)
	}
	sum := func(s string) []byte { b := sha256.Sum256([]byte(s)); return b[:] }
	change := func(by ed25519.PrivateKey, kind, to, what string, base []byte) *wire.Update {
		u := wire.SignSet(by, "acme", kind, 2, []byte(to))
		u.Body, u.Base = []byte(what), base
		return u
	}
	for name, c := range map[string]struct {
		u     *wire.Update
		want  error
		tried int
	}{
		"by another key":                {change(other, "intel", "ab", "b", sum("a")), wire.ErrSetForged, 0},
		"to what was not signed":        {change(key, "intel", "ab", "c", sum("a")), wire.ErrSetBody, 1},
		"from what is not here":         {change(key, "intel", "ab", "b", sum("x")), wire.ErrSetBase, 0},
		"that cannot be read":           {change(key, "intel", "ab", "bad", sum("a")), nil, 1},
		"of a kind that has no changes": {change(key, "sigma", "ab", "b", sum("a")), wire.ErrSetBase, 0},
		"to an older one": {func() *wire.Update {
			u := wire.SignSet(key, "acme", "intel", 1, []byte("ab"))
			u.Body, u.Base = []byte("b"), sum("a")
			return u
		}(), wire.ErrSetOld, 1},
	} {
		tried = 0
		got := l.install(c.u, true)
		if got.GetTrouble() == "" || c.want != nil && got.GetTrouble() != c.want.Error() || tried != c.tried || string(inForce) != "a" {
			t.Errorf("%s: %v, tried %d times; in force %q", name, got, tried, inForce)
		}
	}
	if got := l.install(change(key, "intel", "ab", "b", sum("a")), true); got.GetTrouble() != "" || got.GetVersion() != 2 || string(inForce) != "ab" {
		t.Errorf("%v; in force %q", got, inForce)
	}
	again, err := New(l.c) // it starts from its disk, where the set is whole
	if err != nil || string(inForce) != "ab" || again.sets["intel"].GetVersion() != 2 {
		t.Errorf("%v, %q", err, inForce)
	}
}

// A set comes in parts. What is more than was said, or larger than a host takes, ends the conversation; what belongs to
// nothing is passed over.
func TestASetInParts(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 1000)
	hear := func(size uint64, parts ...[]byte) (*wire.Update, error) {
		c := &talk{news: make(chan *wire.Update, 1)}
		err := c.hear(t.Context(), &wire.Down{What: &wire.Down_Update{Update: &wire.Update{Kind: "intel", Size: size, Body: []byte("left over")}}})
		for _, p := range parts {
			if err == nil {
				err = c.hear(t.Context(), &wire.Down{What: &wire.Down_Part{Part: &wire.Part{Part: p}}})
			}
		}
		select {
		case u := <-c.news:
			return u, err
		default:
			return nil, err
		}
	}
	if u, err := hear(1000, body[:400], nil, body[400:], []byte("of nothing")); err != nil || !bytes.Equal(u.GetBody(), body) || u.GetSize() != 0 {
		t.Error(err, u)
	}
	if u, err := hear(1000, body[:999]); err != nil || u != nil {
		t.Error(err, u)
	}
	if _, err := hear(1000, body, nil); err != nil {
		t.Error(err)
	}
	if u, err := hear(1000, body[:600], body[:600]); err == nil || u != nil {
		t.Error(u)
	}
	if u, err := hear(wire.MostUpdate + 1); err == nil || u != nil {
		t.Error(u)
	}
}
