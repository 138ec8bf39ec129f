package runtimes

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

var (
	errNotPlain = errors.New("not a plain file of root's")
	errTooLarge = errors.New("larger than anything a runtime writes there")
)

// read reads a file below the root. Links on the way are followed inside the root, because
// people put these folders on other disks; the file itself must be none, nor anything that
// could keep the reader waiting (a FIFO, a device), and must be root's: nobody else writes
// what is believed.
func (d *Disk) read(path string, most int64) ([]byte, error) {
	fd, err := unix.Openat2(d.root, path, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer func() { _ = f.Close() }()
	var st unix.Stat_t
	switch err := unix.Fstat(fd, &st); {
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", path, err)
	case st.Mode&unix.S_IFMT != unix.S_IFREG || st.Uid != 0:
		return nil, errNotPlain
	case st.Size > most:
		return nil, errTooLarge
	}
	b := make([]byte, st.Size+1)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b[:n], nil // what grows while it is read is cut, and then no JSON
}
