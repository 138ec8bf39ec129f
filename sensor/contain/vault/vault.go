// Package vault puts files away so that they can be put back: moved out of everybody's reach
// into a folder of the agent, with their digest and everything else they were.
//
// A path is never followed blindly. The folder is opened without any symbolic link on the
// way (openat2, Linux 5.6), the file within it likewise, and from then on there are handles
// only; after the move it is looked at whether what was moved is what was opened. An intruder
// who swaps names meanwhile gets an error, and nothing else moved.
package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Vault is a folder, mode 0700, of the agent alone.
type Vault struct{ dir string }

// Open makes the folder if need be.
func Open(dir string) (*Vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the vault: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder
		return nil, fmt.Errorf("close the vault: %w", err)
	}
	return &Vault{dir: dir}, nil
}

// Item is a file that was put away, as it was found.
type Item struct {
	ID     string            `json:"id"`
	Path   string            `json:"path"`
	SHA256 string            `json:"sha256"`
	Size   int64             `json:"size"`
	Mode   uint32            `json:"mode"` // with set-user-id and the like
	UID    uint32            `json:"uid"`
	GID    uint32            `json:"gid"`
	Atime  int64             `json:"atime"` // nanoseconds since 1970
	Mtime  int64             `json:"mtime"`
	Ctime  int64             `json:"ctime"` // known, but nobody can set it
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
	Flags  uint32            `json:"flags,omitempty"` // of chattr
	Parent [2]uint64         `json:"parent"`          // device and inode of the folder it lay in
	Inode  uint64            `json:"inode"`
	Copied bool              `json:"copied,omitempty"` // from another file system, so the inode is another
	Notes  []string          `json:"notes,omitempty"`
}

// The errors that callers tell apart.
var (
	ErrGone    = errors.New("there is no such file")
	ErrNotFile = errors.New("it is not a plain file reached without symbolic links")
	ErrOther   = errors.New("it is not the file that was meant")
	ErrTaken   = errors.New("something else stands in its place now")
)

// handle is a file in its folder.
type handle struct {
	parent int // O_PATH
	name   string
	file   *os.File
	stat   unix.Stat_t
}

func (h *handle) close() {
	_ = unix.Close(h.parent)
	if h.file != nil {
		_ = h.file.Close()
	}
}

const noLinks = unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

func openFolder(path string) (int, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: noLinks})
	return fd, understood(err)
}

func openFile(path string) (*handle, error) {
	parent, err := openFolder(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	h := &handle{parent: parent, name: filepath.Base(path)}
	// O_NONBLOCK: a FIFO must not hold the agent up.
	fd, err := unix.Openat2(parent, h.name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC,
		Resolve: noLinks | unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV,
	})
	if err != nil {
		h.close()
		return nil, understood(err)
	}
	h.file = os.NewFile(uintptr(fd), path)
	if err := unix.Fstat(fd, &h.stat); err != nil {
		h.close()
		return nil, err
	}
	if h.stat.Mode&unix.S_IFMT != unix.S_IFREG {
		h.close()
		return nil, ErrNotFile
	}
	return h, nil
}

func understood(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return ErrGone
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EXDEV), errors.Is(err, unix.ENXIO):
		return ErrNotFile
	}
	return err
}

// Put moves a file into the vault under the id. With a digest (64 hexadecimal digits) it is
// moved only if it has that content, else ErrOther. The path is absolute and clean. Whoever
// has the file open keeps it open; other names of it stay, and a note says how many.
func (v *Vault) Put(id, path, sha string) (Item, error) {
	h, err := openFile(path)
	if err != nil {
		return Item{}, fmt.Errorf("open %s: %w", path, err)
	}
	defer h.close()
	it, err := describe(id, path, h)
	if err != nil {
		return Item{}, fmt.Errorf("describe %s: %w", path, err)
	}
	if sha != "" && sha != it.SHA256 {
		return Item{}, fmt.Errorf("put %s away: %w", path, ErrOther)
	}
	if err := v.record(it); err != nil { // first: a file without a record is a file lost
		return Item{}, fmt.Errorf("record %s: %w", path, err)
	}
	if err := v.take(h, &it); err != nil {
		_ = os.Remove(v.recordOf(id))
		return Item{}, fmt.Errorf("put %s away: %w", path, err)
	}
	return it, v.record(it)
}

func (v *Vault) content(id string) string  { return filepath.Join(v.dir, name(id)+".file") }
func (v *Vault) recordOf(id string) string { return filepath.Join(v.dir, name(id)+".json") }

// name makes a name of a file of whatever an id may be.
func name(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

func (v *Vault) record(it Item) error {
	text, err := json.Marshal(it)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(v.dir, "record-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		_ = os.Remove(tmp.Name())
		return err
	}
	return os.Rename(tmp.Name(), v.recordOf(it.ID))
}

// Find is what the vault holds under the id, or ErrGone.
func (v *Vault) Find(id string) (Item, error) {
	text, err := os.ReadFile(v.recordOf(id))
	if errors.Is(err, os.ErrNotExist) {
		return Item{}, ErrGone
	}
	var it Item
	if err == nil {
		err = json.Unmarshal(text, &it)
	}
	return it, err
}

// Has says whether the content of an item is in the vault: of one that was being put away
// when the agent was killed there may be a record only.
func (v *Vault) Has(it Item) bool {
	_, err := os.Lstat(v.content(it.ID))
	return err == nil
}

// Intact reads the world: the file is in the vault with its digest, and nothing of that inode
// is at its path. What somebody put there since is said.
func (v *Vault) Intact(it Item) (notes []string, err error) {
	sum, _, err := digest(v.content(it.ID))
	if err != nil {
		return nil, fmt.Errorf("read the vault: %w", err)
	}
	if sum != it.SHA256 {
		notes = append(notes, "its content was changed after it was put away, by somebody who had it open")
	}
	h, err := openFile(it.Path)
	switch {
	case errors.Is(err, ErrGone):
		return notes, nil
	case err != nil:
		return append(notes, "something that is no plain file stands in its place now"), nil
	}
	defer h.close()
	if h.stat.Ino == it.Inode && !it.Copied {
		return notes, fmt.Errorf("the file is at %s again: %w", it.Path, ErrTaken)
	}
	there, err := sumOf(h.file)
	if err != nil {
		return notes, err
	}
	if there == it.SHA256 {
		return notes, fmt.Errorf("the same content is at %s again: %w", it.Path, ErrTaken)
	}
	return append(notes, "another file stands in its place now"), nil
}

func digest(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

func sumOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	_, err := f.Seek(0, io.SeekStart)
	return hex.EncodeToString(h.Sum(nil)), err
}
