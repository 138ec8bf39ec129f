package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/config"
)

// serving starts Tocsin and says where it listens; it ends with the test.
func serving(t *testing.T, c config.Config, p Parts) (*App, string) {
	t.Helper()
	if p.Log == nil && testing.Verbose() {
		p.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := New(ctx, c, p)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		a.Close()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		a.Close()
	})
	return a, "http://" + listener.Addr().String()
}

// strays are the addresses beyond this machine that anybody in this process wanted to
// reach. They are refused: a base URL that is not heeded shows.
var strays = struct {
	sync.Mutex
	to []string
}{}

func init() {
	// Before any test: the transport is shared by Tocsin's clients.
	dial := &net.Dialer{Timeout: 5 * time.Second}
	transport := http.DefaultTransport.(*http.Transport)
	transport.Proxy = nil
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()) {
			return dial.DialContext(ctx, network, address)
		}
		strays.Lock()
		defer strays.Unlock()
		strays.to = append(strays.to, address)
		return nil, fmt.Errorf("%s is not on this machine", address)
	}
}

// nobodyElse fails the test when a vendor's own address was called for.
func nobodyElse(t *testing.T) {
	t.Helper()
	strays.Lock()
	defer strays.Unlock()
	if len(strays.to) > 0 {
		t.Errorf("these were called for: %v", strays.to)
	}
}
