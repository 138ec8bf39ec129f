package vault

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Restore puts a file back where it was, as it was: content, owner, mode, attributes, times
// and flags. It returns ErrTaken, and changes nothing, when something stands in its place,
// and ErrOther when the folder is not the one it was taken from. Only the time of its last
// change cannot be put back.
func (v *Vault) Restore(it Item) error {
	parent, err := openFolder(filepath.Dir(it.Path))
	if err != nil {
		return fmt.Errorf("open the folder of %s: %w", it.Path, err)
	}
	defer func() { _ = unix.Close(parent) }()
	var st unix.Stat_t
	if err := unix.Fstat(parent, &st); err != nil {
		return err
	}
	if st.Dev != it.Parent[0] || st.Ino != it.Parent[1] {
		return fmt.Errorf("put %s back: its folder is another one now: %w", it.Path, ErrOther)
	}
	// Everything is put right under a name of ours first: the file must not be there for a
	// moment with less protection than it had.
	ours := ".tocsin-" + name(it.ID)
	if err := v.bring(it, parent, ours); err != nil {
		return fmt.Errorf("bring %s back: %w", it.Path, err)
	}
	fd, err := unix.Openat(parent, ours, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		err = dress(fd, it)
		if err == nil {
			err = unix.Renameat2(parent, ours, parent, filepath.Base(it.Path), unix.RENAME_NOREPLACE)
		}
		if err == nil && it.Flags&frozen != 0 {
			err = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(it.Flags))
		}
		_ = unix.Close(fd)
	}
	if err != nil {
		if errors.Is(err, unix.EEXIST) {
			err = ErrTaken
		}
		return errors.Join(fmt.Errorf("put %s back: %w", it.Path, err), v.takeAgain(it, parent, ours))
	}
	_ = os.Remove(v.content(it.ID)) // there only if it was copied
	return os.Remove(v.recordOf(it.ID))
}

func (v *Vault) bring(it Item, parent int, ours string) error {
	err := unix.Renameat2(unix.AT_FDCWD, v.content(it.ID), parent, ours, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EXDEV) {
		return err
	}
	from, err := os.Open(v.content(it.ID))
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	fd, err := unix.Openat(parent, ours, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	to := os.NewFile(uintptr(fd), ours)
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}

// takeAgain leaves the file in the vault after a restore that did not come to its end.
func (v *Vault) takeAgain(it Item, parent int, ours string) error {
	if _, err := os.Lstat(v.content(it.ID)); err == nil {
		return unix.Unlinkat(parent, ours, 0) // it was copied
	}
	if err := unix.Renameat2(parent, ours, unix.AT_FDCWD, v.content(it.ID), unix.RENAME_NOREPLACE); err != nil {
		return err
	}
	return os.Chmod(v.content(it.ID), 0)
}

// dress gives the open file what it had. The owner comes first, because changing it takes
// away set-user-id and capabilities; the times last, because all else touches them.
func dress(fd int, it Item) error {
	if err := unix.Fchown(fd, int(it.UID), int(it.GID)); err != nil {
		return fmt.Errorf("owner: %w", err)
	}
	if err := unix.Fchmod(fd, it.Mode); err != nil {
		return fmt.Errorf("mode: %w", err)
	}
	have, err := xattrs(fd)
	if err != nil {
		return err
	}
	for name, value := range it.Xattrs {
		if old, ok := have[name]; ok && string(old) == string(value) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	times := []unix.Timespec{unix.NsecToTimespec(it.Atime), unix.NsecToTimespec(it.Mtime)}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), times, 0); err != nil {
		return fmt.Errorf("times: %w", err)
	}
	return nil
}
