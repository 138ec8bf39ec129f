package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Postgres returns the address of an empty schema of a PostgreSQL server, which is
// dropped when the test ends. The server is the one named by TOCSIN_TEST_POSTGRES, or
// a private one of this process, or there is none and the test is skipped, saying
// why; with TOCSIN_TEST_REQUIRE_ALL=1 it fails instead.
func Postgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv("TOCSIN_TEST_POSTGRES")
	if base == "" {
		bin := postgresBin()
		if bin == "" {
			Missing(t, "no PostgreSQL: install the Debian package postgresql, or set TOCSIN_TEST_POSTGRES to a postgres:// address")
		}
		var err error
		if base, err = cluster(bin); err != nil {
			t.Fatalf("start a private PostgreSQL: %v", err)
		}
	}
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatalf("open PostgreSQL: %v", err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(context.Background(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatalf("make a schema: %v", err)
	}
	t.Cleanup(func() {
		_, _ = db.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		_ = db.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("read the PostgreSQL address: %v", err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// Missing skips a test for want of something, saying how to get it; it fails where
// TOCSIN_TEST_REQUIRE_ALL=1 says that nothing may be wanting.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p)
	}
	return ""
}

var private struct {
	sync.Once
	url  string
	stop func() // never called: kept so that the pipe stays open as long as the process
	err  error
}

// cluster starts one private PostgreSQL for this process, on a socket in a directory
// of its own. It ends with the process, however that ends.
func cluster(bin string) (string, error) {
	private.Do(func() { private.url, private.err = startCluster(bin) })
	return private.url, private.err
}

func startCluster(bin string) (string, error) {
	dir, err := os.MkdirTemp("/tmp", "tocsin-pg-")
	if err != nil {
		return "", err
	}
	cred, err := ordinaryUser(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync") //nolint:gosec // a server binary found on this machine
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	if private.stop, err = launch(dir, cred, filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200"); err != nil {
		return "", err
	}
	addr := "postgres:///postgres?" + url.Values{"host": {dir}, "user": {"postgres"}}.Encode()
	db, err := sql.Open("pgx", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	return addr, eventually(20*time.Second, func() error { return db.PingContext(context.Background()) })
}

// ordinaryUser is who runs PostgreSQL, which refuses to run as root. The directory
// becomes theirs.
func ordinaryUser(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // no other user is needed
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

// launch runs a server under a shell that waits for the end of its input and then
// ends the server and removes dir. The input is a pipe from this process: it ends
// when stop is called, or when this process is gone, be it by kill -9.
func launch(dir string, cred *syscall.Credential, server string, args ...string) (stop func(), err error) {
	const keeper = `"$@" >server.log 2>&1 </dev/null & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; cd /; rm -rf "$0"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, dir, server}, args...)...) //nolint:gosec // our own arguments
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred, Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() { _ = in.Close(); _ = cmd.Wait() }, nil
}

func eventually(within time.Duration, f func() error) error {
	end := time.Now().Add(within)
	for {
		err := f()
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// RedisServer is a redis-server of a test's own.
type RedisServer struct {
	URL  string // "unix://…"
	bin  string
	sock string
	stop func()
}

// Redis returns the address of an empty redis-server of the test's own, or skips as
// Postgres does.
func Redis(t testing.TB) string { t.Helper(); return StartRedis(t).URL }

// StartRedis is Redis for tests that take the server away and bring it back.
func StartRedis(t testing.TB) *RedisServer {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		Missing(t, "no redis-server: install the Debian package redis-server")
	}
	dir, err := os.MkdirTemp("/tmp", "tocsin-redis-")
	if err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	sock := filepath.Join(dir, "redis.sock")
	s := &RedisServer{URL: "unix://" + sock, bin: bin, sock: sock}
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server; it has forgotten everything.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	dir := filepath.Dir(s.sock)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	stop, err := launch(dir, nil, s.bin, "--port", "0", "--unixsocket", s.sock, "--save", "", "--appendonly", "no", "--dir", dir)
	if err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	s.stop = stop
	err = eventually(10*time.Second, func() error {
		c, err := net.Dial("unix", s.sock)
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
}

// Stop ends the server. A second Stop does nothing.
func (s *RedisServer) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}
