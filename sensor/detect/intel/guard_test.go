package intel

import (
	"errors"
	"net/netip"
	"testing"
)

func TestAPoisonedFeedIsRefused(t *testing.T) {
	g, err := NewGuard(Guarded{
		Own: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/26")}, OwnNames: []string{"Tocsin.example"},
		Control: []netip.Prefix{netip.MustParsePrefix("203.0.113.77/32")}, ControlNames: []string{"sensors.vendor.example"},
		Allow: []netip.Prefix{netip.MustParsePrefix("10.3.4.5/32"), netip.MustParsePrefix("203.0.113.77/32")}, AllowNames: []string{"github.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		is    Type
		value string
		exact bool
		list  string // that refuses it; "" when it is taken
	}{
		{CIDR, "0.0.0.0/0", false, "too wide"},
		{CIDR, "::/0", false, "too wide"},
		{CIDR, "0.0.0.0/1", false, "control channel|own addresses|not an address"},
		{CIDR, "128.0.0.0/1", false, "control channel"},
		{CIDR, "45.0.0.0/8", false, "too wide"},
		{CIDR, "45.12.0.0/16", false, ""},
		{CIDR, "2a00:1::/31", false, "too wide"},
		{IP, "0.0.0.0", false, "not an address"},
		{IP, "127.0.0.1", false, "loopback"},
		{IP, "::1", false, "loopback"},
		{IP, "::ffff:127.0.0.1", false, "loopback"},
		{IP, "10.1.2.3", false, "private"},
		{IP, "10.3.4.5", false, ""}, // somebody here watches it
		{IP, "192.168.0.1", false, "private"},
		{IP, "fd00::1", false, "private"},
		{IP, "169.254.169.254", false, "link-local"},
		{IP, "fe80::1", false, "link-local"},
		{IP, "224.0.0.251", false, "multicast"},
		{IP, "ff02::1", false, "multicast"},
		{IP, "255.255.255.255", false, "not an address"},
		{IP, "198.51.100.7", false, "own addresses"},
		{CIDR, "198.51.100.0/24", false, "own addresses"}, // wider than ours
		{IP, "198.51.100.200", false, ""},
		{IP, "203.0.113.77", false, "control channel"}, // allowed by somebody, and refused all the same
		{IP, "8.8.8.8", false, "public resolvers"},
		{CIDR, "1.1.1.0/24", false, "public resolvers"},
		{IP, "2606:4700:4700::1111", false, "public resolvers"},
		{Domain, "com", false, "too wide"},
		{Domain, "co.uk", false, "too wide"},
		{Domain, "evil.co.uk", false, ""},
		{Domain, "localhost", true, "local names"},
		{Domain, "printer.local", true, "local names"},
		{Domain, "www.google.com", true, "top sites"},
		{Domain, "google.com", false, "top sites"},
		{Domain, "sites.google.com", true, ""},
		{Domain, "github.com", true, ""}, // allowed by somebody
		{Domain, "tocsin.example", true, "own names"},
		{Domain, "wiki.tocsin.example", true, "own names"},
		{Domain, "nottocsin.example", true, ""},
		{Domain, "vendor.example", false, "control channel"}, // with all below it
		{Domain, "vendor.example", true, ""},
		{URL, "https://www.google.com/", false, "top sites"},
		{URL, "https://raw.githubusercontent.com/evil/x.sh", false, ""},
		{URL, "https://gitlab.com", false, "top sites"},
		{URL, "http://192.168.1.1/x", false, "private"},
		{URL, "http://[::1]:8080/x", false, "loopback"},
		{URL, "https://sensors.vendor.example/a", false, "control channel"},
		{MD5, "d41d8cd98f00b204e9800998ecf8427e", false, "well-known files"},
		{SHA256, "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", false, "well-known files"},
		{SHA1, "0000000000000000000000000000000000000000", false, "well-known files"},
		{SHA1, "1000000000000000000000000000000000000000", false, ""},
	} {
		in, err := Indicator{Type: c.is, Value: c.value, Exact: c.exact, Source: "feed"}.Clean()
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		err = g.Judge(in)
		var r *Refused
		switch {
		case c.list == "" && err != nil:
			t.Errorf("%s %s was refused: %v", c.is, c.value, err)
		case c.list != "" && !errors.As(err, &r):
			t.Errorf("%s %s was taken (%v)", c.is, c.value, err)
		case c.list != "" && r.List != c.list && c.value != "0.0.0.0/1":
			t.Errorf("%s %s was refused by %q: %s", c.is, c.value, r.List, r.Why)
		}
	}
}

func TestAGuardIsNotMadeOfNonsense(t *testing.T) {
	if _, err := NewGuard(Guarded{OwnNames: []string{"not a name"}}); err == nil {
		t.Error("a name that is none was taken")
	}
	if _, err := NewGuard(Guarded{Own: []netip.Prefix{{}}}); err == nil {
		t.Error("a network that is none was taken")
	}
}
