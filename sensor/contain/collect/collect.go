// Package collect keeps what a host knows of itself at this moment, as evidence: processes
// with their programs, open files and maps, sockets, mounts and modules, and files that were
// asked for. It is written as one tar archive in which every content stands once, under its
// SHA-256, and a manifest says what it was and what was left out. Nothing of the host is
// changed but times of last access.
//
// The environment of processes is not kept: it is full of secrets.
package collect

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Wanted is what is to be kept and how much it may be.
type Wanted struct {
	Files []string // absolute paths
	Bytes int64    // of content, in all; 0 is 64 MiB
	Now   func() time.Time
	Spool string // folder for one content at a time; the system's own when empty
	Host  string
	For   string // the directive
}

// Bounds of a collection.
const (
	defaultBytes  = 64 << 20
	mostProcesses = 1 << 16
	mostOpen      = 4096 // files per process
	mostMapped    = 1024 // per process
)

// Manifest is manifest.json, the last entry of the archive.
type Manifest struct {
	Host      string    `json:"host"`
	For       string    `json:"for,omitempty"`
	Began     time.Time `json:"began"`
	Ended     time.Time `json:"ended"`
	Processes []Process `json:"processes"`
	Files     []File    `json:"files"`
	LeftOut   []LeftOut `json:"left_out,omitempty"`
	Bytes     int64     `json:"bytes"` // of content
}

// File is a content of the archive, at sha256/<SHA256>.
type File struct {
	Path   string    `json:"path"`
	What   string    `json:"what,omitempty"` // why it was kept, when it was not asked for by name
	SHA256 string    `json:"sha256"`
	Size   int64     `json:"size"`
	Mode   uint32    `json:"mode,omitempty"`
	UID    uint32    `json:"uid,omitempty"`
	GID    uint32    `json:"gid,omitempty"`
	MTime  time.Time `json:"mtime,omitzero"`
}

// LeftOut is what was not kept, and why.
type LeftOut struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Receipt names the archive by its content.
type Receipt struct {
	SHA256   string   `json:"sha256"`
	Size     int64    `json:"size"` // bytes of the archive
	Manifest Manifest `json:"manifest"`
}

// collection is one at work.
type collection struct {
	want Wanted
	tar  *tar.Writer
	m    Manifest
	left int64
	seen map[string]bool
}

// Write writes the archive. What cannot be read is left out and said; an error means that
// the archive is not whole: the writer's, or the context's.
func Write(ctx context.Context, to io.Writer, want Wanted) (Receipt, error) {
	if want.Now == nil {
		want.Now = time.Now
	}
	if want.Bytes <= 0 {
		want.Bytes = defaultBytes
	}
	sum := &counted{to: to, sum: sha256.New()}
	c := &collection{want: want, tar: tar.NewWriter(sum), left: want.Bytes, seen: map[string]bool{}}
	c.m = Manifest{Host: want.Host, For: want.For, Began: want.Now().UTC()}
	for _, step := range []func(context.Context) error{c.processes, c.system, c.named, c.programs} {
		if err := step(ctx); err != nil {
			return Receipt{}, fmt.Errorf("collect evidence: %w", err)
		}
	}
	c.m.Ended, c.m.Bytes = want.Now().UTC(), want.Bytes-c.left
	text, err := json.MarshalIndent(c.m, "", " ")
	if err == nil {
		err = c.entry("manifest.json", text)
	}
	if err = errors.Join(err, c.tar.Close()); err != nil {
		return Receipt{}, fmt.Errorf("close the archive: %w", err)
	}
	return Receipt{SHA256: hex.EncodeToString(sum.sum.Sum(nil)), Size: sum.n, Manifest: c.m}, nil
}

// named keeps the files that were asked for: they come before programs, which may be many.
func (c *collection) named(ctx context.Context) error {
	for _, path := range c.want.Files {
		// A link could lead to what nobody asked for.
		if err := c.file(ctx, path, path, "", unix.RESOLVE_NO_SYMLINKS); err != nil {
			return err
		}
	}
	return nil
}

// programs keeps the file of each program that runs, also those that have no name any more.
func (c *collection) programs(ctx context.Context) error {
	done := map[string]bool{}
	for i, p := range c.m.Processes {
		if p.Exe == "" || done[p.Exe] && !p.Deleted {
			continue
		}
		done[p.Exe] = true
		what := "program of process " + fmt.Sprint(p.PID)
		kept := len(c.m.Files)
		if err := c.file(ctx, fmt.Sprintf("/proc/%d/exe", p.PID), p.Exe, what, 0); err != nil {
			return err
		}
		if len(c.m.Files) > kept {
			c.m.Processes[i].SHA256 = c.m.Files[kept].SHA256
		}
	}
	return nil
}

func (c *collection) leaveOut(path, why string, args ...any) {
	c.m.LeftOut = append(c.m.LeftOut, LeftOut{Path: path, Why: fmt.Sprintf(why, args...)})
}

// file keeps the content of a plain file. It is spooled first, because it may grow or shrink
// while it is read, and the archive must name its size beforehand.
func (c *collection) file(ctx context.Context, at, path, what string, resolve uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOATIME, Resolve: resolve}
	fd, err := unix.Openat2(unix.AT_FDCWD, at, &how)
	if errors.Is(err, unix.EPERM) {
		how.Flags &^= unix.O_NOATIME
		fd, err = unix.Openat2(unix.AT_FDCWD, at, &how)
	}
	if err != nil {
		c.leaveOut(path, "%v", err)
		return nil
	}
	from := os.NewFile(uintptr(fd), path)
	defer func() { _ = from.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		c.leaveOut(path, "it is no plain file")
		return nil
	}
	f := File{Path: path, What: what, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, MTime: time.Unix(st.Mtim.Unix()).UTC()}
	return c.keep(ctx, f, from)
}

// keep adds a content under its digest, once.
func (c *collection) keep(ctx context.Context, f File, from io.Reader) error {
	spool, err := os.CreateTemp(c.want.Spool, "tocsin-collect-")
	if err != nil {
		return fmt.Errorf("spool %s: %w", f.Path, err)
	}
	_ = os.Remove(spool.Name())
	defer func() { _ = spool.Close() }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(spool, sum), io.LimitReader(reader{ctx, from}, c.left+1))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.leaveOut(f.Path, "%v", err)
		return nil
	}
	f.SHA256, f.Size = hex.EncodeToString(sum.Sum(nil)), n
	if !c.seen[f.SHA256] {
		if n > c.left {
			c.leaveOut(f.Path, "no room: %d bytes of %d are left", c.left, c.want.Bytes)
			return nil
		}
		if _, err := spool.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := c.header("sha256/"+f.SHA256, n); err != nil {
			return err
		}
		if _, err := io.Copy(c.tar, spool); err != nil {
			return err
		}
		c.left -= n
		c.seen[f.SHA256] = true
	}
	c.m.Files = append(c.m.Files, f)
	return nil
}

func (c *collection) text(ctx context.Context, path, what string, text []byte) error {
	return c.keep(ctx, File{Path: path, What: what}, strings.NewReader(string(text)))
}

func (c *collection) entry(name string, text []byte) error {
	if err := c.header(name, int64(len(text))); err != nil {
		return err
	}
	_, err := c.tar.Write(text)
	return err
}

func (c *collection) header(name string, size int64) error {
	return c.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o400, Size: size, ModTime: c.m.Began, Format: tar.FormatPAX})
}

// counted hashes and counts what is written.
type counted struct {
	to  io.Writer
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	_, _ = c.sum.Write(b[:n])
	c.n += int64(n)
	return n, err
}

// reader ends when the context does.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(b)
}
