package vault_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
	"github.com/tocsin-ir/tocsin/sensor/contain/vault"
	"golang.org/x/sys/unix"
)

func open(t testing.TB) *vault.Vault {
	t.Helper()
	if os.Geteuid() != 0 {
		containtest.Missing(t, "not root: owners and capabilities cannot be put back")
	}
	v, err := vault.Open(filepath.Join(t.TempDir(), "vault"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// looks is everything of a file that must be the same afterwards.
type looks struct {
	Content      string
	Mode         uint32
	UID, GID     uint32
	Atime, Mtime int64
	Xattrs       map[string]string
	Flags        uint32
	Inode        uint64
}

func look(t testing.TB, path string) looks {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	l := looks{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Atime: st.Atim.Nano(), Mtime: st.Mtim.Nano(), Inode: st.Ino, Xattrs: map[string]string{}}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOATIME, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	buf := make([]byte, 4096)
	n, _ := unix.Read(fd, buf)
	l.Content = string(buf[:max(n, 0)])
	l.Flags, _ = unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	for _, name := range []string{"user.note", "security.capability"} {
		if n, err := unix.Fgetxattr(fd, name, buf); err == nil {
			l.Xattrs[name] = string(buf[:n])
		}
	}
	return l
}

// implant is a file with everything a file can have.
func implant(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "implant")
	caps := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // cap_net_raw, effective
	times := []unix.Timespec{unix.NsecToTimespec(1_600_000_000_123_456_789), unix.NsecToTimespec(1_500_000_000_987_654_321)}
	err := errors.Join(
		os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600),
		os.Chown(path, 65534, 33),
		unix.Chmod(path, 0o4751),
		unix.Setxattr(path, "security.capability", []byte(caps), 0),
		unix.UtimesNano(path, times),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(path, "user.note", []byte("mine"), 0); err != nil && !errors.Is(err, unix.ENOTSUP) {
		t.Fatal(err)
	}
	return path
}

func TestAFileIsPutAwayAndBack(t *testing.T) {
	for name, dir := range map[string]string{"the same file system": t.TempDir(), "another file system": shm(t)} {
		t.Run(name, func(t *testing.T) {
			v := open(t)
			path := implant(t, dir)
			before := look(t, path)
			it, err := v.Put("D-1", path, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Fatalf("the file is still there: %v", err)
			}
			if it.Copied != strings.HasPrefix(name, "another") {
				t.Errorf("copied: %v", it.Copied)
			}
			if notes, err := v.Intact(it); err != nil {
				t.Errorf("proof: %v, %v", notes, err)
			}
			found, err := v.Find("D-1") // as the next agent does
			if err != nil || found.SHA256 != it.SHA256 {
				t.Fatalf("find: %+v, %v", found, err)
			}
			if err := v.Restore(found); err != nil {
				t.Fatal(err)
			}
			after := look(t, path)
			if it.Copied {
				before.Inode, after.Inode = 0, 0
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("not as it was (- before, + after):\n%s", diff)
			}
			if _, err := v.Find("D-1"); !errors.Is(err, vault.ErrGone) {
				t.Errorf("the vault still has it: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".tocsin-*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// shm is a folder on a file system of its own.
func shm(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		containtest.Missing(t, fmt.Sprintf("no second file system: %v", err))
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// What an intruder marked as never to be changed is put away, and back with its mark.
func TestAnImmutableFile(t *testing.T) {
	v := open(t)
	path := implant(t, t.TempDir())
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(flags|unix.STATX_ATTR_IMMUTABLE))
	}
	if err != nil {
		containtest.Missing(t, fmt.Sprintf("the file system knows no immutable files: %v", err))
	}
	t.Cleanup(func() { _ = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(flags)) })
	before := look(t, path)
	it, err := v.Put("D-1", path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Restore(it); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, look(t, path)); diff != "" {
		t.Errorf("not as it was:\n%s", diff)
	}
}

func TestWhatIsNotPutAway(t *testing.T) {
	v, dir := open(t), t.TempDir()
	path := implant(t, dir)
	err := errors.Join(os.Symlink(path, filepath.Join(dir, "link")), os.Symlink(dir, filepath.Join(dir, "way")), unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]error{"link": vault.ErrNotFile, "way/implant": vault.ErrNotFile, "fifo": vault.ErrNotFile, "nothing": vault.ErrGone, "implant/x": vault.ErrGone} {
		if _, err := v.Put("D-1", filepath.Join(dir, at), ""); !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", at, err, want)
		}
	}
	if _, err := v.Put("D-1", path, strings.Repeat("0", 64)); !errors.Is(err, vault.ErrOther) {
		t.Errorf("another content: %v", err)
	}
	if _, err := v.Find("D-1"); !errors.Is(err, vault.ErrGone) {
		t.Errorf("the vault has something: %v", err)
	}
}

// Something else stands there, or the folder is another: nothing is overwritten, and the
// file stays in the vault.
func TestNothingIsOverwritten(t *testing.T) {
	v, dir := open(t), filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := implant(t, dir)
	it, err := v.Put("D-1", path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := v.Restore(it); !errors.Is(err, vault.ErrTaken) {
		t.Errorf("something stands there: %v", err)
	}
	if notes, err := v.Intact(it); err != nil || !slices.Contains(notes, "another file stands in its place now") {
		t.Errorf("proof: %v, %v", notes, err)
	}
	if err := errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := v.Restore(it); !errors.Is(err, vault.ErrOther) {
		t.Errorf("the folder is another: %v", err)
	}
	// The intruder brings it back.
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Intact(it); !errors.Is(err, vault.ErrTaken) {
		t.Errorf("proof, when the same content is back: %v", err)
	}
}

// An intruder swaps the name between a file, a link to /etc/shadow's stand-in, and another
// file, as fast as they can. Whatever is put away, it is never the wrong thing.
func TestAnIntruderSwapsNames(t *testing.T) {
	v, dir := open(t), t.TempDir()
	target := filepath.Join(dir, "target")
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			tmp := filepath.Join(dir, "tmp")
			_ = os.Remove(tmp)
			if i%2 == 0 {
				_ = os.WriteFile(tmp, []byte("evil"), 0o700)
			} else {
				_ = os.Symlink(precious, tmp)
			}
			_ = os.Rename(tmp, target)
			time.Sleep(time.Millisecond)
		}
	})
	taken, tried := 0, 0
	for end := time.Now().Add(3 * time.Second); taken < 100 && time.Now().Before(end); tried++ {
		it, err := v.Put(fmt.Sprint("D-", tried), target, "")
		if err != nil {
			continue
		}
		taken++
		if it.Size != 4 {
			t.Errorf("put away: %+v", it)
		}
	}
	close(stop)
	swapping.Wait()
	if text, err := os.ReadFile(precious); err != nil || string(text) != "precious" {
		t.Errorf("the precious file: %q, %v", text, err)
	}
	t.Logf("%d of %d were put away", taken, tried)
}
