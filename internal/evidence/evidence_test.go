package evidence_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/internal/evidence/evidencetest"
)

func open(t *testing.T) (*evidence.Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "evidence")
	s, err := evidence.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, dir
}

func TestAFolderKeepsEvidence(t *testing.T) {
	evidencetest.Conform(t, func(t *testing.T) evidencetest.Bench {
		s, dir := open(t)
		return evidencetest.Bench{
			Store: s,
			Raw: func(of, stored string) ([]byte, bool) {
				b, err := os.ReadFile(filepath.Join(dir, of, stored))
				return b, err == nil
			},
			Overwrite: func(of, stored string, b []byte) {
				if err := os.WriteFile(filepath.Join(dir, of, stored), b, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			Names: func(of string) (names []string) {
				entries, _ := os.ReadDir(filepath.Join(dir, of))
				for _, e := range entries {
					names = append(names, e.Name())
				}
				return names
			},
		}
	})
}

// Only its owner reads what is there, and links that lead elsewhere are refused.
func TestAFolderIsItsOwners(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "INC-0002")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "INC-0002", strings.NewReader("x"), 10); err == nil {
		t.Error("kept through a link")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("written outside: %v", left)
	}
	item, err := s.Put(t.Context(), "INC-0001", strings.NewReader("x"), 10)
	if err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(dir, "INC-0001", item.Stored)
	if info, err := os.Stat(inside); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	secret := filepath.Join(outside, "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("x"), 0o600), os.Remove(inside), os.Symlink(secret, inside)); err != nil {
		t.Fatal(err)
	}
	if _, err := evidencetest.Read(t.Context(), s, "INC-0001", item); err == nil {
		t.Error("read through a link")
	}
	if err := os.Symlink(dir, dir+"-link"); err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.OpenFolder(dir + "-link"); err == nil {
		t.Error("the folder itself may be a link")
	}
}
