package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store"
)

// masterKey is the key that wraps the keys of sealed texts. Without one configured, a
// SQLite database gets a key file beside it, which a copy of the database alone does
// not hold. It returns where the key came from, to be said at start.
func masterKey(c config.Config) (key []byte, from string, err error) {
	if c.Key.IsSet() {
		key, err = hex.DecodeString(c.Key.Reveal())
		if err != nil {
			return nil, "", errors.New("the key is not 64 hex digits")
		}
		return key, "TOCSIN_KEY", nil
	}
	if strings.HasPrefix(c.Database, "postgres") {
		return nil, "", errors.New("a PostgreSQL database needs TOCSIN_KEY: 64 hex digits, the same for every replica (`openssl rand -hex 32`)")
	}
	path, ok := databaseFile(c.Database)
	if !ok {
		return nil, "", errors.New("a database that is not kept needs TOCSIN_KEY: 64 hex digits")
	}
	path += ".key"
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read key file: %w", err)
	}
	if key, err = hex.DecodeString(strings.TrimSpace(string(b))); err != nil || len(key) != 32 {
		return nil, "", fmt.Errorf("key file %s does not hold 64 hex digits", path)
	}
	return key, path, nil
}

// readKey is masterKey that makes no file.
func readKey(c config.Config) ([]byte, error) {
	if path, isFile := store.Path(c.Database); isFile && !c.Key.IsSet() {
		if _, err := os.Stat(path + ".key"); err != nil {
			return nil, fmt.Errorf("read key file: %w", err)
		}
	}
	key, _, err := masterKey(c)
	return key, err
}

// databaseFile is the file of a SQLite database; ok is false for ":memory:".
func databaseFile(url string) (path string, ok bool) {
	path = strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "file:")
	path, _, _ = strings.Cut(path, "?")
	return path, path != "" && path != ":memory:"
}

func makeKey(path string) ([]byte, string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, "", fmt.Errorf("make the folder of the database: %w", err)
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, "", fmt.Errorf("make key: %w", err)
	}
	return key, path + " (new)", writeKey(path, key)
}

// writeKey makes a key file, which must not be there yet.
func writeKey(path string, key []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make key file: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

func trimmed(s config.Secret) string { return strings.TrimSpace(s.Reveal()) }
