package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store"
)

// errNoAuditKey says that heads cannot be signed, and the remedy.
var errNoAuditKey = errors.New("no audit key: set TOCSIN_AUDIT_KEY to 64 hex digits, the same for every replica (`openssl rand -hex 32`)")

// auditKeyFile is where the audit key of a SQLite database is; "" for any other.
func auditKeyFile(c config.Config) string {
	path, ok := store.Path(c.Database)
	if !ok || c.AuditKey.IsSet() {
		return ""
	}
	return path + ".audit-key"
}

// auditSigner is the key that signs heads: the one configured or, of a SQLite
// database, that of the file beside it, which is made when it is not there.
func auditSigner(c config.Config) (audit.Signer, error) {
	if c.AuditKey.IsSet() {
		return signerOf(c.AuditKey.Reveal(), "TOCSIN_AUDIT_KEY")
	}
	path := auditKeyFile(c)
	if path == "" {
		return audit.Signer{}, errNoAuditKey
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		seed, _, err := makeKey(path)
		if err == nil {
			return audit.NewSigner(seed)
		}
		if !errors.Is(err, fs.ErrExist) {
			return audit.Signer{}, err
		}
		// Another process makes it this instant.
		for range 50 {
			if b, err = os.ReadFile(path); err == nil && len(b) >= 65 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return signerOf(string(b), path)
	}
	if err != nil {
		return audit.Signer{}, fmt.Errorf("read the audit key: %w", err)
	}
	return signerOf(string(b), path)
}

func signerOf(text, from string) (audit.Signer, error) {
	seed, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(seed) != 32 {
		return audit.Signer{}, fmt.Errorf("%s does not hold 64 hex digits", from)
	}
	return audit.NewSigner(seed)
}

// nextKeyFile holds the next key while it is being made the one that signs.
func nextKeyFile(path string) string { return path + ".next" }

// nextSigner makes the next key, or finds the one that a rotation left behind.
func nextSigner(path string) (audit.Signer, error) {
	if b, err := os.ReadFile(nextKeyFile(path)); err == nil {
		return signerOf(string(b), nextKeyFile(path))
	}
	seed, _, err := makeKey(nextKeyFile(path))
	if err != nil {
		return audit.Signer{}, err
	}
	return audit.NewSigner(seed)
}

// settleKey finishes a rotation that was cut off: the database speaks of the next
// key as the newest, and its file has not taken the old one's place. It reports
// whether it had to.
func settleKey(path, newest string) (bool, error) {
	b, err := os.ReadFile(nextKeyFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the next audit key: %w", err)
	}
	next, err := signerOf(string(b), nextKeyFile(path))
	if err != nil || next.ID() != newest {
		return false, err
	}
	if err := os.Rename(nextKeyFile(path), path); err != nil {
		return false, fmt.Errorf("put the next audit key in its place: %w", err)
	}
	return true, nil
}
