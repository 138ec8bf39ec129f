package rest

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

var (
	// never are addresses that no file may allow: those of the cloud's metadata services,
	// which hand out credentials to whoever asks from inside, and such that name nobody.
	never = prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "ff00::/8",
		"100.100.100.200/32", // Alibaba Cloud
		"168.63.129.16/32",   // Azure's wire server
		"192.0.0.192/32",     // Oracle Cloud
		"fd00:ec2::/32",      // AWS
		"fd20:ce::/32",       // Google Cloud
		// IPv4 in IPv6 clothes, with which a private address would pass for a public one.
		"::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
	// inside are addresses of somebody's own network (RFC 6890).
	inside = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "::1/128", "fc00::/7", "fec0::/10", "2001:db8::/32")
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// May reports whether somebody who was named by others may be called at the address; private allows
// those of one's own network. Nothing allows a metadata service.
func May(a netip.Addr, private bool) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) { // RFC 6052: the last four bytes are who is meant
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsValid() || within(never, a) && !a.IsLoopback() {
		return false
	}
	return private || !within(inside, a)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Transport connects where May allows; elsewhere the error is a *Barred that says barred. The address
// is judged when the connection is made and not when the name is looked up, so that a name that
// answers differently the second time gains nothing.
func Transport(private bool, barred string) *http.Transport {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err == nil && May(at.Addr(), private) {
			return nil
		}
		return &Barred{Why: barred}
	}}
	return &http.Transport{
		Proxy:                  nil, // whoever sets HTTP_PROXY would see the secrets
		DialContext:            d.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  20 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}
