package gate

import (
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
)

// loaded is the programs and maps alone, attached to nothing, with the host held and one
// control channel over each family.
func loaded(t testing.TB) *Gate {
	t.Helper()
	containtest.Root(t)
	g := &Gate{log: slog.New(slog.DiscardHandler), root: containtest.Pins(t), links: map[int]*watched{}}
	if err := g.load(); err != nil {
		t.Fatalf("load the programs: %v", err)
	}
	t.Cleanup(func() { _ = g.closeHandles() })
	if err := g.read(); err != nil {
		t.Fatal(err)
	}
	err := g.Set(Wanted{Host: Forever, Control: []Opening{
		{Peer: netip.MustParseAddrPort("203.0.113.7:443"), Proto: TCP},
		{Peer: netip.MustParseAddrPort("[2001:db8:7::7]:443"), Proto: TCP},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// passes gives a frame to a program of tc.
func passes(t testing.TB, p *ebpf.Program, frame []byte) bool {
	t.Helper()
	verdict, _, err := p.Test(frame)
	if err != nil {
		t.Fatalf("give the program %x: %v", frame, err)
	}
	return int32(verdict) == -1
}

// The parts of frames. Ports: 30000 here, 443 there.
const (
	eth4 = "020000000001 020000000002 0800 "
	eth6 = "020000000001 020000000002 86dd "
	ip4  = "4500 0028 0000 4000 40 06 0000 c6336401 cb007107 " // 198.51.100.1 to 203.0.113.7
	ip6  = "60000000 0014 06 40 20010db8000100000000000000000001 20010db8000700000000000000000007 "
	ack  = "7530 01bb 00000000 00000000 50 10 0000 0000 0000 "
	syn  = "7530 01bb 00000000 00000000 50 02 0000 0000 0000 "
)

// What gets out of an isolated host, and what only looks as if it might.
func TestOddFrames(t *testing.T) {
	g := loaded(t)
	fragment := func(field string) string { return strings.Replace(ip4, "4000 40 06", field+" 40 06", 1) }
	for name, c := range map[string]struct {
		frame string
		out   bool
	}{
		"the control channel":                {eth4 + ip4 + ack, true},
		"calling the control channel":        {eth4 + ip4 + syn, true},
		"the control channel over IPv6":      {eth6 + ip6 + ack, true},
		"another port":                       {eth4 + ip4 + strings.Replace(ack, "01bb", "01bc", 1), false},
		"another host":                       {eth4 + strings.Replace(ip4, "cb007107", "cb007108", 1) + ack, false},
		"UDP to it":                          {eth4 + strings.Replace(ip4, "40 06", "40 11", 1) + "7530 01bb 0008 0000 0000000000000000 00000000", false},
		"with options, to another port":      {eth4 + "4600 002c 0000 4000 40 06 0000 c6336401 cb007107 753001bb " + strings.Replace(ack, "01bb", "0035", 1), false},
		"with options":                       {eth4 + "4600 002c 0000 4000 40 06 0000 c6336401 cb007107 94040000 " + ack, true},
		"a header of 16 bytes":               {eth4 + strings.Replace(ip4, "4500", "4400", 1) + ack, false},
		"IPv6 that says it is IPv4":          {eth4 + ip6 + ack, false},
		"IPv4 that says it is IPv6":          {eth6 + ip4 + ack + ack + ack, false},
		"the first fragment":                 {eth4 + fragment("2000") + ack, false},
		"a later fragment":                   {eth4 + fragment("0010") + ack, false},
		"the last fragment":                  {eth4 + fragment("0001") + ack, false},
		"cut off before its ports":           {eth4 + ip4[:len(ip4)-1] + " 75 30", false},
		"IP in IP":                           {eth4 + strings.Replace(ip4, "40 06", "40 04", 1) + ip4 + ack, false},
		"IPv6 in IPv4":                       {eth4 + strings.Replace(ip4, "40 06", "40 29", 1) + ip6 + ack, false},
		"GRE":                                {eth4 + strings.Replace(ip4, "40 06", "40 2f", 1) + "00000800" + ip4 + ack, false},
		"in a VLAN of its own making":        {"020000000001 020000000002 8100 0005 0800 " + ip4 + ack, false},
		"a routing header":                   {eth6 + strings.Replace(ip6, "0014 06", "002c 2b", 1) + "06 02 00 01 00000000 20010db8000900000000000000000009 " + ack, false},
		"a fragment header":                  {eth6 + strings.Replace(ip6, "0014 06", "001c 2c", 1) + "06 00 0000 00000001 " + ack, false},
		"ARP":                                {"ffffffffffff 020000000002 0806 0001 0800 06 04 0001 020000000002 c6336401 000000000000 c6336402", true},
		"ARP with a message":                 {"ffffffffffff 020000000002 0806 0001 0800 06 04 0001 020000000002 c6336401 000000000000 c6336402" + strings.Repeat("ab", 100), false},
		"looking for a neighbour":            {eth6 + "60000000 0018 3a ff 20010db8000100000000000000000001 ff0200000000000000000001ff000002 87 00 0000 00000000 20010db8000100000000000000000002", true},
		"so, but routable":                   {eth6 + "60000000 0018 3a 40 20010db8000100000000000000000001 ff0200000000000000000001ff000002 87 00 0000 00000000 20010db8000100000000000000000002", false},
		"so, with a message":                 {eth6 + "60000000 0400 3a ff 20010db8000100000000000000000001 ff0200000000000000000001ff000002 87 00 0000 00000000 20010db8000100000000000000000002" + strings.Repeat("ab", 1000), false},
		"ping over IPv6 with 255 hops":       {eth6 + "60000000 0018 3a ff 20010db8000100000000000000000001 ff0200000000000000000001ff000002 80 00 0000 00000000 20010db8000100000000000000000002", false},
		"joining a group":                    {eth6 + "60000000 0020 00 01 fe800000000000000000000000000001 ff020000000000000000000000000016 3a00050200000100 8f00 0000 0000 0001 04000000 ff0200000000000000000001ff000002", true},
		"LLDP":                               {"0180c200000e 020000000002 88cc 0207040000000000010405" + strings.Repeat("00", 30), false},
		"a length in place of a type (LLC)":  {"0180c2000000 020000000002 0026 424203" + strings.Repeat("00", 35), false},
		"an unreachable that could be shown": {eth4 + strings.Replace(ip4, "40 06", "40 01", 1) + "0304 0000 0000 0500 " + ip4 + ack, false},
	} {
		if got := passes(t, g.progs.GateFrameOut, bytesOf(t, c.frame)); got != c.out {
			t.Errorf("%s: gets out: %v, should: %v", name, got, c.out)
		}
	}

	back4 := "4500 0028 0000 4000 40 06 0000 cb007107 c6336401 "
	synAck := "01bb 7530 00000000 00000000 50 12 0000 0000 0000 "
	tooBig := "4500 0044 0000 4000 40 01 0000 c0000201 c6336401 0304 0000 0000 0500 "
	for name, c := range map[string]struct {
		frame string
		in    bool
	}{
		"the control channel's answer":      {eth4 + back4 + synAck, true},
		"the control channel calling":       {eth4 + back4 + strings.Replace(synAck, "50 12", "50 02", 1), false},
		"a router: too big for the channel": {eth4 + tooBig + ip4 + ack, true},
		"a router: too big for another":     {eth4 + tooBig + strings.Replace(ip4, "cb007107", "cb007108", 1) + ack, false},
		"a router: unreachable":             {eth4 + strings.Replace(tooBig, "0304", "0301", 1) + ip4 + ack, false},
		"a router: too big over IPv6":       {eth6 + "60000000 0044 3a 40 20010db8000200000000000000000001 20010db8000100000000000000000001 02 00 0000 00000500 " + ip6 + ack, true},
	} {
		if got := passes(t, g.progs.GateFrameIn, bytesOf(t, c.frame)); got != c.in {
			t.Errorf("%s: gets in: %v, should: %v", name, got, c.in)
		}
	}
}

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if len(b) < 14 {
		t.Fatalf("%q is no frame", text)
	}
	return b
}

// Frames of all kinds with bytes changed at random: none gets out but to the control channel,
// as somebody reads it who reads the other way round, from what may be sent to what was.
func TestChangedFramesDoNotGetOut(t *testing.T) {
	g := loaded(t)
	seeds := [][]byte{bytesOf(t, eth4+ip4+ack), bytesOf(t, eth6+ip6+ack), bytesOf(t, eth4+"4600 002c 0000 4000 40 06 0000 c6336401 cb007107 94040000 "+ack),
		bytesOf(t, eth6+strings.Replace(ip6, "0014 06", "001c 3c", 1)+"06 00 01 04 00000000 "+ack)}
	r := rand.New(rand.NewPCG(1, 2))
	out := 0
	for range 20_000 {
		f := append([]byte(nil), seeds[r.IntN(len(seeds))]...)
		for range 1 + r.IntN(3) {
			f[12+r.IntN(len(f)-12)] = byte(r.Uint32())
		}
		if !passes(t, g.progs.GateFrameOut, f) {
			continue
		}
		out++
		if !mayLeave(f) {
			t.Fatalf("this got out: %x", f)
		}
	}
	t.Logf("%d of 20,000 got out, all to the control channel", out)
}

func mayLeave(f []byte) bool {
	ip := f[14:]
	switch binary.BigEndian.Uint16(f[12:]) {
	case 0x0806:
		return len(f) <= 64
	case 0x0800:
		l4 := ip[min(int(ip[0]&15)*4, len(ip)):]
		return ip[0]>>4 == 4 && ip[0]&15 >= 5 && ip[6]&0x3f == 0 && ip[7] == 0 && ip[9] == 6 &&
			string(ip[16:20]) == "\xcb\x00\x71\x07" && len(l4) >= 4 && string(l4[2:4]) == "\x01\xbb"
	case 0x86dd:
		control := string(ip[24:40]) == "\x20\x01\x0d\xb8\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
		return ip[0]>>4 == 6 && (ip[6] == 6 && control && string(ip[42:44]) == "\x01\xbb" || ip[6] == 58 && ip[7] == 255 || ip[6] == 0 && ip[7] == 1)
	}
	return false
}

// The numbers of bpf/maps.h are the numbers of Go.
func TestLayoutIsTheSame(t *testing.T) {
	text, err := os.ReadFile("bpf/maps.h")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"gate_index": {gateHost: "GATE_HOST", gateLevels: "GATE_LEVELS", gateBlock4: "GATE_BLOCK4", gateBlock6: "GATE_BLOCK6", gatePorts: "GATE_PORTS", gateLinks: "GATE_LINKS", gateProbe: "GATE_PROBE"},
		"layer":      {Egress: "LAYER_EGRESS", Ingress: "LAYER_INGRESS", Call: "LAYER_CONNECT", LinkOut: "LAYER_LINK_OUT", LinkIn: "LAYER_LINK_IN", Option: "LAYER_OPTION", layers: "LAYERS"},
		"reason":     {0: "REASON_NONE", HostHeld: "REASON_HOST", ContainerHeld: "REASON_CONTAINER", LinkCut: "REASON_LINK", AddressBlocked: "REASON_ADDRESS", PortBlocked: "REASON_PORT", reasons: "REASONS"},
	} {
		body := regexp.MustCompile(`(?s)enum ` + name + ` \{(.*?)\}`).FindSubmatch(text)
		if body == nil {
			t.Fatalf("no enum %s", name)
		}
		var got []string
		for _, n := range regexp.MustCompile(`[A-Z][A-Z0-9_]+,|REASONS|LAYERS`).FindAllString(string(body[1]), -1) {
			got = append(got, strings.TrimSuffix(n, ","))
		}
		for i, n := range want {
			if i >= len(got) || got[i] != n {
				t.Errorf("enum %s: %q in C, %q in Go", name, got, want)
				break
			}
		}
	}
	spec, err := loadProgram()
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string][2]int{
		"gates": {4, 8}, "allowed": {binary.Size(programAllowKey{}), 8}, "containers": {8, 8}, "block4": {binary.Size(programLpm4{}), 8},
		"block6": {binary.Size(programLpm6{}), 8}, "ports": {binary.Size(programPortKey{}), 8}, "links": {4, binary.Size(cut{})},
		"refused": {4, 8}, "proved": {4, 8},
	} {
		if m := spec.Maps[name]; m == nil || int(m.KeySize) != size[0] || int(m.ValueSize) != size[1] {
			t.Errorf("map %s: %+v, not key and value of %v bytes", name, m, size)
		}
	}
	if n := spec.Maps["refused"].MaxEntries; n != uint32(layers)*uint32(reasons) {
		t.Errorf("%d counters, not %d", n, uint32(layers)*uint32(reasons))
	}
}
