package collect_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/contain/collect"
)

// archive reads it back as whoever examines it does: every content has the digest of its name.
func archive(t *testing.T, b []byte) (collect.Manifest, map[string][]byte) {
	t.Helper()
	var m collect.Manifest
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == "manifest.json" {
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			continue
		}
		sum := sha256.Sum256(text)
		name := hex.EncodeToString(sum[:])
		if h.Name != "sha256/"+name {
			t.Errorf("%s has the digest %s", h.Name, name)
		}
		if _, twice := files[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		files[name] = text
	}
	return m, files
}

func TestWhatAHostKnowsOfItself(t *testing.T) {
	dir := t.TempDir()
	implant := filepath.Join(dir, "implant")
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(implant, text, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(implant, "1000")
	secret := rand.Text()
	cmd.Env = []string{"TOKEN=" + secret}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if err := os.Remove(implant); err != nil { // as intruders do
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	notes := filepath.Join(dir, "notes")
	if err := errors.Join(os.WriteFile(notes, []byte("loot"), 0o640), os.WriteFile(notes+"2", []byte("loot"), 0o640)); err != nil {
		t.Fatal(err)
	}

	if err := os.Symlink("/etc/shadow", notes+"3"); err != nil {
		t.Fatal(err)
	}

	var b bytes.Buffer
	r, err := collect.Write(context.Background(), &b, collect.Wanted{Files: []string{notes, notes + "2", notes + "3", "/nowhere", dir}, Host: "web-3", For: "D-1", Spool: dir})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	if r.SHA256 != hex.EncodeToString(sum[:]) || r.Size != int64(b.Len()) {
		t.Errorf("the receipt names another archive: %s, %d bytes", r.SHA256, r.Size)
	}
	m, files := archive(t, b.Bytes())
	i := slices.IndexFunc(m.Processes, func(p collect.Process) bool { return p.PID == cmd.Process.Pid })
	if i < 0 {
		t.Fatal("the implant's process is not there")
	}
	p := m.Processes[i]
	if !p.Deleted || p.Exe != implant || !bytes.Equal(files[p.SHA256], text) || p.Parent != os.Getpid() || !slices.Equal(p.Args, []string{implant, "1000"}) {
		t.Errorf("the implant: %+v", p)
	}
	port := fmt.Sprintf(":%04X", l.Addr().(*net.TCPAddr).Port)
	if !slices.ContainsFunc(m.Files, func(f collect.File) bool {
		return strings.HasSuffix(f.Path, "/net/tcp") && bytes.Contains(files[f.SHA256], []byte(port))
	}) {
		t.Error("the listening socket is in no table")
	}
	kept := 0
	for _, f := range m.Files {
		if strings.HasPrefix(f.Path, notes) && string(files[f.SHA256]) == "loot" && f.Mode == 0o640 {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d of 2 files that were asked for", kept)
	}
	for _, path := range []string{"/nowhere", dir, notes + "3"} {
		if !slices.ContainsFunc(m.LeftOut, func(o collect.LeftOut) bool { return o.Path == path }) {
			t.Errorf("nothing is said of %s", path)
		}
	}
	if bytes.Contains(b.Bytes(), []byte(secret)) {
		t.Error("the archive has the environment of a process")
	}
}

func TestACollectionHasABound(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("x"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r, err := collect.Write(context.Background(), &b, collect.Wanted{Files: []string{big, "/dev/zero"}, Bytes: 1 << 19})
	if err != nil {
		t.Fatal(err)
	}
	if r.Manifest.Bytes > 1<<19 || !slices.ContainsFunc(r.Manifest.LeftOut, func(o collect.LeftOut) bool { return o.Path == big }) {
		t.Errorf("%d bytes of content; left out: %v", r.Manifest.Bytes, r.Manifest.LeftOut)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := collect.Write(ctx, io.Discard, collect.Wanted{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
