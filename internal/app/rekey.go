package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store"
)

// Rekey puts a database under another master key and returns how many things that key
// wraps. With a key file the new key is made, unless it is given, and takes the file's
// place; file is then its name. It must not run beside a server: that would be told at
// its next writing, and no sooner.
//
// The new key is on disk before anything is put under it, as <file>.new. Interrupted at
// any point, the same call brings it to an end.
func Rekey(ctx context.Context, c config.Config, next config.Secret) (n int, file string, err error) {
	path, isFile := store.Path(c.Database)
	if c.Key.IsSet() || !isFile {
		key, err := keyFrom(next)
		if err != nil {
			return 0, "", err
		}
		n, err = rekey(ctx, c, key)
		return n, "", err
	}
	file = path + ".key"
	fresh := file + ".new"
	key, _, err := newKey(fresh, next)
	if err != nil {
		return 0, "", err
	}
	n, err = rekey(ctx, c, key)
	if errors.Is(err, store.ErrKey) && opens(ctx, c, key) {
		err = nil // it was interrupted before the file took its place
	}
	if err != nil {
		return 0, "", err
	}
	if err := os.Rename(fresh, file); err != nil {
		return n, "", fmt.Errorf("put the new key in its place: %w; the key is in %s", err, fresh)
	}
	return n, file, nil
}

// newKey is the one an interrupted call left, or the one given, or a new one; it is in
// the file.
func newKey(path string, given config.Secret) (key []byte, from string, err error) {
	left, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !given.IsSet():
		return makeKey(path)
	case errors.Is(err, fs.ErrNotExist):
		if key, err = keyFrom(given); err != nil {
			return nil, "", err
		}
		return key, path, writeKey(path, key)
	case err != nil:
		return nil, "", fmt.Errorf("read the key that an earlier change left: %w", err)
	}
	key, err = keyFrom(config.NewSecret(string(left)))
	return key, path, err
}

func keyFrom(s config.Secret) ([]byte, error) {
	key, err := hex.DecodeString(trimmed(s))
	if err != nil || len(key) != 32 {
		return nil, errors.New("the new key is not 64 hex digits; set TOCSIN_NEW_KEY (`openssl rand -hex 32`)")
	}
	return key, nil
}

func rekey(ctx context.Context, c config.Config, key []byte) (int, error) {
	old, err := readKey(c)
	if err != nil {
		return 0, err
	}
	db, err := store.Open(ctx, c.Database, c.Workspace, store.Options{Key: old})
	if err != nil {
		return 0, err
	}
	n, err := db.Rekey(ctx, key)
	return n, errors.Join(err, db.Close())
}

func opens(ctx context.Context, c config.Config, key []byte) bool {
	db, err := store.Open(ctx, c.Database, c.Workspace, store.Options{Key: key})
	return err == nil && db.Close() == nil
}
