package evidence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is evidence on this machine. It is the operator's: everything in it is readable
// by its owner only. Nothing outside the folder can be named, and a symbolic link inside
// it is refused, because whoever could put one there could have us read or overwrite
// what it leads to.
type Folder struct{ root *os.Root }

// OpenFolder makes the folder where it is not there.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the evidence folder: %w", err)
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("open the evidence folder: %s is not a folder of its own", filepath.Base(dir))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the evidence folder: %w", err)
	}
	return &Folder{root}, nil
}

// Close lets go of the folder.
func (s *Folder) Close() error { return s.root.Close() }

// Put keeps everything that r gives, if that is at most limit bytes, in the folder of
// a case. It returns when the bytes and their name are on disk. ErrTooLarge when there are more.
func (s *Folder) Put(ctx context.Context, of string, r io.Reader, limit int64) (Item, error) {
	if err := CheckCase(of); err != nil {
		return Item{}, fmt.Errorf("keep evidence: %w", err)
	}
	item, err := s.put(ctx, of, r, limit)
	if err != nil {
		return Item{}, fmt.Errorf("keep evidence: %w", err)
	}
	return item, nil
}

func (s *Folder) put(ctx context.Context, of string, r io.Reader, limit int64) (Item, error) {
	if err := s.folder(of); err != nil {
		return Item{}, err
	}
	part := filepath.Join(of, "part-"+rand.Text())
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Item{}, err
	}
	defer func() { _ = s.root.Remove(part) }() // gone already, when all went well
	item, err := Seal(ctx, f, r, limit)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Item{}, err
	}
	if err := s.root.Rename(part, filepath.Join(of, item.Stored)); err != nil {
		return Item{}, err
	}
	return item, s.sync(of)
}

// folder makes the folder of a case.
func (s *Folder) folder(of string) error {
	if err := s.root.Mkdir(of, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := s.root.Lstat(of); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is no folder", of)
	}
	return s.sync(".")
}

// sync has the names in a folder on disk.
func (s *Folder) sync(dir string) error {
	f, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open gives an item's content, proved.
func (s *Folder) Open(_ context.Context, of string, item Item) (io.ReadCloser, error) {
	f, err := s.open(of, item.Stored)
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	content, err := Unseal(f, item)
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	return content, nil
}

func (s *Folder) open(of, sha string) (*os.File, error) {
	name, err := path(of, sha)
	if err != nil {
		return nil, err
	}
	for _, step := range []string{of, name} {
		info, err := s.root.Lstat(step)
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, fmt.Errorf("%s is a symbolic link", step)
		}
	}
	return s.root.Open(name)
}

// Remove takes an item's file away, given its name. One that is not there is no error.
func (s *Folder) Remove(_ context.Context, of, stored string) error {
	name, err := path(of, stored)
	if err != nil {
		return fmt.Errorf("destroy evidence: %w", err)
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("destroy evidence: %w", err)
	}
	if err := s.sync(of); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("destroy evidence: %w", err)
	}
	return nil
}

func path(of, stored string) (string, error) {
	if err := CheckName(of, stored); err != nil {
		return "", err
	}
	return filepath.Join(of, stored), nil
}
