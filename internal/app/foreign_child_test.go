package app

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// maxStart is how long another's server may take to answer its first call. It takes
// one to five seconds on an idle machine of two cores.
const maxStart = 60 * time.Second

// foreign finds a program among the packages that TOCSIN_FOREIGN holds.
func foreign(t *testing.T, program string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(os.Getenv("TOCSIN_FOREIGN"), "node_modules", ".bin", program))
	if err == nil {
		_, err = os.Stat(path)
	}
	if os.Getenv("TOCSIN_FOREIGN") == "" || err != nil {
		lacking(t, "TOCSIN_FOREIGN does not name a folder that .ci/foreign/install has filled")
	}
	return path
}

// child runs somebody else's server on a loopback port until the test ends, and
// returns its base URL once it answers. args get the port in the place of "PORT".
func child(t *testing.T, program string, args ...string) (base string) {
	t.Helper()
	port := freePort(t)
	for i, a := range args {
		if a == "PORT" {
			args[i] = port
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = t.TempDir()
	cmd.WaitDelay = 5 * time.Second
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		cancel() // kills it by its own process id
		<-done
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), said)
		}
	})
	base = "http://127.0.0.1:" + port
	for began := time.Now(); time.Since(began) < maxStart; {
		if resp, err := http.Get(base + "/"); err == nil {
			_ = resp.Body.Close()
			return base
		}
		select {
		case <-done:
			t.Fatalf("%s ended before it answered", filepath.Base(program))
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s did not answer within %s", filepath.Base(program), maxStart)
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// tail keeps the last words of a process.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write never fails.
func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() > 64<<10 {
		o.buf.Next(o.buf.Len() - 32<<10)
	}
	return o.buf.Write(p)
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
