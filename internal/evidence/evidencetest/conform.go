// Package evidencetest proves for every store of evidence what package evidence
// promises: what is kept is what is read, what was changed, cut or swapped behind the
// store's back is found, nothing is left of what was not kept, and no name leads out.
package evidencetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/evidence"
)

// Bench is a store, and what somebody sees and does who has got behind it.
type Bench struct {
	Store evidence.Store
	// Raw is what is stored under a name; ok is false when nothing is.
	Raw func(of, stored string) (b []byte, ok bool)
	// Overwrite puts other bytes there.
	Overwrite func(of, stored string, b []byte)
	// Names are all that is stored for a case.
	Names func(of string) []string
}

// Conform runs the suite, on a bench of its own for each test.
func Conform(t *testing.T, open func(t *testing.T) Bench) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Bench)
	}{
		{"what is kept is proved when it is read", kept},
		{"a cut item is found", cut},
		{"what is too large or breaks off leaves nothing", leavesNothing},
		{"two of the same content stand apart", apart},
		{"no name leads out", names},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

const part = 64 << 10 // bytes of content that are sealed together

func kept(t *testing.T, b Bench) {
	for _, size := range []int{0, 1, 15, part - 1, part, part + 1, 300_000} {
		content := bytes.Repeat([]byte("memory of web-3 "), size/16+1)[:size]
		item, err := b.Store.Put(t.Context(), "INC-0001", bytes.NewReader(content), int64(size))
		if sum := sha256.Sum256(content); err != nil || item.Size != int64(size) || item.SHA256 != hex.EncodeToString(sum[:]) {
			t.Fatal(item.Size, item.SHA256, err)
		}
		got, err := Read(t.Context(), b.Store, "INC-0001", item)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d of %d bytes, %v", len(got), size, err)
		}
		if _, err := Read(t.Context(), b.Store, "INC-0002", item); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("another case has it: %v", err)
		}
		stored, ok := b.Raw("INC-0001", item.Stored)
		if !ok || size > 10 && bytes.Contains(stored, content[:10]) || int64(len(stored)) != evidence.SealedSize(int64(size)) {
			t.Errorf("stored %v, %d bytes, or readable without the key", ok, len(stored))
		}
		other := item
		other.Key = make([]byte, 32)
		if _, err := Read(t.Context(), b.Store, "INC-0001", other); !errors.Is(err, evidence.ErrChanged) {
			t.Errorf("read with another key: %v", err)
		}
		changed := bytes.Clone(stored)
		changed[len(changed)/2] ^= 1
		b.Overwrite("INC-0001", item.Stored, changed)
		if _, err := Read(t.Context(), b.Store, "INC-0001", item); !errors.Is(err, evidence.ErrChanged) {
			t.Errorf("changed bytes were given out: %v", err)
		}
		b.Overwrite("INC-0001", item.Stored, append(bytes.Clone(stored), 0))
		if _, err := Read(t.Context(), b.Store, "INC-0001", item); !errors.Is(err, evidence.ErrChanged) {
			t.Errorf("a byte more was given out: %v", err)
		}
		for range 2 {
			if err := b.Store.Remove(t.Context(), "INC-0001", item.Stored); err != nil {
				t.Error(err)
			}
		}
		if _, err := Read(t.Context(), b.Store, "INC-0001", item); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("still there: %v", err)
		}
	}
}

// A whole part taken off the end is found by the parts themselves.
func cut(t *testing.T, b Bench) {
	item, err := b.Store.Put(t.Context(), "INC-0001", bytes.NewReader(make([]byte, 3*part)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := b.Raw("INC-0001", item.Stored)
	short := stored[:2*(part+16)]
	sum := sha256.Sum256(short)
	item.Stored = hex.EncodeToString(sum[:])
	b.Overwrite("INC-0001", item.Stored, short)
	if _, err := Read(t.Context(), b.Store, "INC-0001", item); !errors.Is(err, evidence.ErrChanged) {
		t.Error(err)
	}
}

// broken ends in an error, as a connection does.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func leavesNothing(t *testing.T, b Bench) {
	if _, err := b.Store.Put(t.Context(), "INC-0001", bytes.NewReader(make([]byte, 101)), 100); !errors.Is(err, evidence.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := b.Store.Put(t.Context(), "INC-0001", broken{strings.NewReader("half of it")}, 100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Store.Put(ended, "INC-0001", strings.NewReader("x"), 100); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left := b.Names("INC-0001"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The same content twice has two keys, so that destroying one leaves the other.
func apart(t *testing.T, b Bench) {
	one, err := b.Store.Put(t.Context(), "INC-0001", strings.NewReader("the same"), 100)
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Store.Put(t.Context(), "INC-0001", strings.NewReader("the same"), 100)
	if err != nil || one.Stored == two.Stored || one.SHA256 != two.SHA256 {
		t.Fatal(one.Stored, two.Stored, err)
	}
	if err := b.Store.Remove(t.Context(), "INC-0001", one.Stored); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(t.Context(), b.Store, "INC-0001", two); err != nil || string(got) != "the same" {
		t.Error(string(got), err)
	}
}

func names(t *testing.T, b Bench) {
	sha := strings.Repeat("a", 64)
	for _, of := range []string{"", ".", "..", "../x", "a/b", `a\b`, "/etc", "-\x00", ".hidden", strings.Repeat("x", 200)} {
		if _, err := b.Store.Put(t.Context(), of, strings.NewReader("x"), 10); err == nil {
			t.Errorf("kept in %q", of)
		}
		if _, err := b.Store.Open(t.Context(), of, evidence.Item{Stored: sha, Key: make([]byte, 32)}); err == nil {
			t.Errorf("opened in %q", of)
		}
		if err := b.Store.Remove(t.Context(), of, sha); err == nil {
			t.Errorf("removed in %q", of)
		}
	}
	for _, sha := range []string{"", "..", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("a", 63) + "/"} {
		if _, err := b.Store.Open(t.Context(), "INC-0001", evidence.Item{Stored: sha, Key: make([]byte, 32)}); err == nil {
			t.Errorf("opened %q", sha)
		}
	}
}

// Read reads an item whole.
func Read(ctx context.Context, s evidence.Store, of string, item evidence.Item) ([]byte, error) {
	r, err := s.Open(ctx, of, item)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}
