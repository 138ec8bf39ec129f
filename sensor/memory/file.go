package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const mostHashed = 512 << 20 // bytes of one file

// file tells what lies at a path. Symbolic links are not followed: what is put away later is
// what is looked at now.
func (m *Memory) file(ctx context.Context, path string, row Row) error {
	if !strings.HasPrefix(path, "/") || filepath.Clean(path) != path {
		return fmt.Errorf("%q is not a clean absolute path", path)
	}
	f := wire.File{Path: path}
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return row(f)
	case errors.Is(err, unix.ELOOP):
		f.There = true
		return row(f)
	case err != nil:
		return fmt.Errorf("look at %s: %w", path, err)
	}
	at := os.NewFile(uintptr(fd), path)
	defer func() { _ = at.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	f.There, f.Plain = true, st.Mode&unix.S_IFMT == unix.S_IFREG
	f.Size, f.Mode, f.UID, f.MTime = st.Size, st.Mode&0o7777, st.Uid, time.Unix(st.Mtim.Unix()).UTC()
	if !f.Plain {
		return row(f)
	}
	if f.SHA256, err = sum(ctx, at); err != nil {
		return fmt.Errorf("hash %s: %w", path, err)
	}
	f.UsedBy = m.runs(ctx, st.Dev, st.Ino)
	return row(f)
}

// runs are the processes whose program is that file.
func (m *Memory) runs(ctx context.Context, dev, inode uint64) (pids []uint32) {
	exes, _ := filepath.Glob(filepath.Join(m.o.Proc, "[0-9]*", "exe"))
	for _, exe := range exes {
		var st unix.Stat_t
		if ctx.Err() == nil && unix.Stat(exe, &st) == nil && st.Ino == inode && st.Dev == dev {
			pids = append(pids, number(filepath.Base(filepath.Dir(exe))))
		}
	}
	return pids
}

func sum(ctx context.Context, f io.Reader) (string, error) {
	h := sha256.New()
	buf := make([]byte, 256<<10)
	for n := 0; n < mostHashed; {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		k, err := f.Read(buf)
		h.Write(buf[:k])
		n += k
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("it is larger than %d bytes", mostHashed)
}

// hashes remembers what the programs of this host hash to, for as long as they stay the same.
type hashes struct {
	mu sync.Mutex // guards by
	by map[version]string
}

type version struct {
	dev, inode   uint64
	size         int64
	ctime, ctimn int64
}

const mostHashes = 8192

// of hashes a program by the link of a process that runs it.
func (h *hashes) of(ctx context.Context, exe string) (string, error) {
	f, err := os.Open(exe)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return "", err
	}
	v := version{st.Dev, st.Ino, st.Size, st.Ctim.Sec, st.Ctim.Nsec}
	h.mu.Lock()
	known := h.by[v]
	h.mu.Unlock()
	if known != "" {
		return known, nil
	}
	text, err := sum(ctx, f)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil || len(h.by) >= mostHashes {
		h.by = map[version]string{}
	}
	h.by[v] = text
	return text, nil
}

var idInPath = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{64})(?:[^0-9a-f]|$)`)

// containerID is the innermost container in a cgroup's path.
func containerID(cgroup string) string {
	all := idInPath.FindAllStringSubmatch(cgroup, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// containers tells of the containers that a name means: an id, the beginning of one, or a path of
// the v2 tree; all of them for "".
func (m *Memory) containers(ctx context.Context, name string, row Row) error {
	all, err := m.everyone(ctx)
	if err != nil {
		return err
	}
	found := map[string]*wire.Container{}
	var order []string
	for _, p := range all {
		at, id := p.Cgroup, p.Container
		if id != "" {
			at = at[:strings.LastIndex(at, id)+len(id)] + strings.SplitN(at[strings.LastIndex(at, id)+len(id):], "/", 2)[0]
		}
		byPath := strings.HasPrefix(name, "/") && (p.Cgroup == name || strings.HasPrefix(p.Cgroup, name+"/"))
		if byPath {
			at = name
		}
		if !byPath && (id == "" || !strings.HasPrefix(id, name)) {
			continue
		}
		c := found[at]
		if c == nil {
			c = &wire.Container{ID: id, Path: at, Program: p.Exe}
			if c.ID == "" {
				c.ID = at
			}
			var st unix.Stat_t
			if unix.Stat(filepath.Join(m.o.Cgroups, at), &st) == nil {
				c.Cgroup = st.Ino // the id of a v2 cgroup is the inode of its folder
			}
			found[at] = c
			order = append(order, at)
		}
		c.Processes++
	}
	for _, at := range order {
		if err := row(*found[at]); err != nil {
			return err
		}
	}
	return nil
}

// pidOf reads a number of /proc.
func pidOf(path string) (uint32, bool) {
	n, err := strconv.ParseUint(filepath.Base(path), 10, 32)
	return uint32(n), err == nil
}
