package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/wireconnect"
)

const (
	addressesName = "addresses" // of the server, as they were last resolved
	mostAddresses = 16
)

// dial connects to the server. A host that is cut off cannot ask a resolver: then it goes where it
// went before.
func (l *Link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(host) != nil {
		return l.dialer.DialContext(ctx, network, address)
	}
	to, cancel := context.WithTimeout(ctx, 3*time.Second)
	addrs, err := net.DefaultResolver.LookupHost(to, host)
	cancel()
	if err == nil && len(addrs) > 0 {
		l.rememberAddresses(addrs)
	} else if addrs = l.rememberedAddresses(); len(addrs) == 0 {
		return nil, errors.Join(fmt.Errorf("find %s, which was never reached before", host), err)
	}
	var failed error
	for _, a := range addrs {
		c, err := l.dialer.DialContext(ctx, network, net.JoinHostPort(a, port))
		if err == nil {
			return c, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// Control is where the server is, for the limits of a host that name no control channel: as it resolves
// now, or as it did last. A host that is started while it is cut off cannot ask.
func Control(ctx context.Context, dir, server string) (all []netip.AddrPort) {
	host, text, err := net.SplitHostPort(server)
	if err != nil {
		return nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil
	}
	to, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(to, host)
	if err != nil {
		addrs = (&Link{c: Config{Dir: dir}}).rememberedAddresses()
	}
	for _, a := range addrs {
		if ip, err := netip.ParseAddr(a); err == nil {
			all = append(all, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
		}
	}
	return all
}

func (l *Link) rememberAddresses(addrs []string) {
	text := strings.Join(addrs[:min(len(addrs), mostAddresses)], "\n")
	path := filepath.Join(l.c.Dir, addressesName)
	if was, _ := os.ReadFile(path); string(was) == text {
		return
	}
	if err := replace(path, []byte(text)); err != nil {
		l.c.Log.Warn("write down where the server is", "err", err)
	}
}

func (l *Link) rememberedAddresses() (addrs []string) {
	text, _ := readBounded(filepath.Join(l.c.Dir, addressesName))
	for line := range strings.Lines(string(text)) {
		if a := strings.TrimSpace(line); net.ParseIP(a) != nil && len(addrs) < mostAddresses {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// client is a way to the server on a connection of its own.
func (l *Link) client() (*http.Client, func(), error) {
	conf, err := l.identity().tls(l.serversNow)
	if err != nil {
		return nil, nil, err
	}
	t := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: conf, DialContext: l.dial, TLSHandshakeTimeout: 20 * time.Second,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 20 * time.Second, PingTimeout: 20 * time.Second, WriteByteTimeout: 30 * time.Second}}
	return &http.Client{Transport: t}, t.CloseIdleConnections, nil
}

func (l *Link) speak(c *http.Client) wireconnect.LinkClient {
	return wireconnect.NewLinkClient(c, "https://"+l.identity().Server, connect.WithReadMaxBytes(wire.MostMessage), connect.WithSendMaxBytes(wire.MostMessage))
}

// Reach makes one exchange with the server over a connection of its own, for the test of an
// isolation: the one that is open may be living on what was agreed before.
func (l *Link) Reach(ctx context.Context) error {
	c, done, err := l.client()
	if err != nil {
		return err
	}
	defer done()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+l.identity().Server+"/reach", nil)
	if err != nil {
		return err
	}
	answer, err := c.Do(r)
	if err != nil {
		return fmt.Errorf("reach the server: %w", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("reach the server: it answers %d", answer.StatusCode)
	}
	return nil
}
