package vault

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// frozen are the flags of chattr that forbid moving, immutable and append only. They have the
// same bits in statx and in FS_IOC_GETFLAGS (FS_IMMUTABLE_FL, FS_APPEND_FL).
const frozen = unix.STATX_ATTR_IMMUTABLE | unix.STATX_ATTR_APPEND

// describe reads everything about an open file.
func describe(id, path string, h *handle) (Item, error) {
	fd := int(h.file.Fd())
	var parent unix.Stat_t
	if err := unix.Fstat(h.parent, &parent); err != nil {
		return Item{}, err
	}
	st := h.stat
	it := Item{
		ID: id, Path: path, Size: st.Size, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Inode: st.Ino,
		Atime: unix.TimespecToNsec(st.Atim), Mtime: unix.TimespecToNsec(st.Mtim), Ctime: unix.TimespecToNsec(st.Ctim),
		Parent: [2]uint64{parent.Dev, parent.Ino},
	}
	var err error
	if it.Xattrs, err = xattrs(fd); err != nil {
		return Item{}, err
	}
	if flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS); err == nil {
		it.Flags = flags
	}
	if it.SHA256, err = sumOf(h.file); err != nil {
		return Item{}, err
	}
	if st.Nlink > 1 {
		it.Notes = append(it.Notes, fmt.Sprintf("the file has %d other names, which stay", st.Nlink-1))
	}
	return it, nil
}

func xattrs(fd int) (map[string][]byte, error) {
	n, err := unix.Flistxattr(fd, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && n == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list attributes: %w", err)
	}
	names := make([]byte, n)
	if n, err = unix.Flistxattr(fd, names); err != nil {
		return nil, fmt.Errorf("list attributes: %w", err)
	}
	all := map[string][]byte{}
	for _, name := range split(names[:n]) {
		size, err := unix.Fgetxattr(fd, name, nil)
		if err != nil {
			return nil, fmt.Errorf("read the attribute %s: %w", name, err)
		}
		value := make([]byte, size)
		if size > 0 {
			if _, err = unix.Fgetxattr(fd, name, value); err != nil {
				return nil, fmt.Errorf("read the attribute %s: %w", name, err)
			}
		}
		all[name] = value
	}
	return all, nil
}

func split(names []byte) (all []string) {
	for len(names) > 0 {
		s := unix.ByteSliceToString(names)
		all = append(all, s)
		names = names[min(len(s)+1, len(names)):]
	}
	return all
}

// take moves the file behind the handle into the vault, or leaves everything as it was.
func (v *Vault) take(h *handle, it *Item) error {
	fd := int(h.file.Fd())
	if it.Flags&frozen != 0 {
		// An intruder marks files so; without this they could not be put away.
		if err := unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(it.Flags&^frozen)); err != nil {
			return fmt.Errorf("allow it to be moved: %w", err)
		}
	}
	err := unix.Renameat2(h.parent, h.name, unix.AT_FDCWD, v.content(it.ID), unix.RENAME_NOREPLACE)
	switch {
	case errors.Is(err, unix.EXDEV):
		err = v.copyOver(h, it)
	case err == nil:
		err = v.sure(h, v.content(it.ID))
	}
	if err != nil && it.Flags&frozen != 0 {
		_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(it.Flags))
	}
	if err != nil {
		return err
	}
	// Nobody runs or reads it by its name any more; root is kept off by the folder only.
	return os.Chmod(v.content(it.ID), 0)
}

// sure checks that what came to the path is what the handle holds, and moves it back if not:
// between opening and renaming the name may have been given to another file.
func (v *Vault) sure(h *handle, path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return err
	}
	if st.Dev == h.stat.Dev && st.Ino == h.stat.Ino {
		return nil
	}
	if err := unix.Renameat2(unix.AT_FDCWD, path, h.parent, h.name, unix.RENAME_NOREPLACE); err != nil {
		kept := path + ".stray"
		return errors.Join(ErrOther, fmt.Errorf("move back what stood there, now in %s: %w", kept, err), os.Rename(path, kept))
	}
	return ErrOther
}

// copyOver is the move between file systems: the content is copied and only then the name
// removed, after it was made sure, under a name of ours, that it is still the same file.
func (v *Vault) copyOver(h *handle, it *Item) error {
	to, err := os.OpenFile(v.content(it.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = h.file.Seek(0, io.SeekStart)
	if err == nil {
		_, err = io.Copy(to, h.file)
	}
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		_ = os.Remove(v.content(it.ID))
		return fmt.Errorf("copy it: %w", err)
	}
	if sum, _, err := digest(v.content(it.ID)); err != nil || sum != it.SHA256 {
		_ = os.Remove(v.content(it.ID))
		return errors.Join(ErrOther, err)
	}
	ours := ".tocsin-" + name(it.ID)
	if err := unix.Renameat2(h.parent, h.name, h.parent, ours, unix.RENAME_NOREPLACE); err != nil {
		_ = os.Remove(v.content(it.ID))
		return fmt.Errorf("take its name: %w", err)
	}
	var st unix.Stat_t
	err = unix.Fstatat(h.parent, ours, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && (st.Ino != h.stat.Ino || st.Dev != h.stat.Dev) {
		err = ErrOther
	}
	if err == nil {
		err = unix.Unlinkat(h.parent, ours, 0)
	}
	if err != nil {
		_ = os.Remove(v.content(it.ID))
		return errors.Join(err, unix.Renameat2(h.parent, ours, h.parent, h.name, unix.RENAME_NOREPLACE))
	}
	it.Copied = true
	it.Notes = append(it.Notes, "the vault is on another file system: the content was copied, and whoever has the old file open sees the old one")
	return nil
}
