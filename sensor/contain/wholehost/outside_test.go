package wholehost_test

import (
	"flag"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/containtest"
)

// wire is a network card of the machine, and the host at the other end of its cable:
//
//	inner ── machine ── peer
//	            └────── server
type wire struct {
	far      string
	hardware string   // of the card
	here     []string // the machine's addresses
	there    []string
}

var wires = []wire{
	{"peer", "52:54:00:c7:00:01", []string{"198.18.1.1/24", "fd00:1::1/64"}, []string{"198.18.1.2/24", "fd00:1::2/64"}},
	{"server", "52:54:00:c7:00:02", []string{"198.18.2.1/24"}, []string{"198.18.2.2/24"}},
	{"inner", "52:54:00:c7:00:03", []string{"198.18.3.1/24", "fd00:3::1/64"}, []string{"198.18.3.2/24", "fd00:3::2/64"}},
}

// question is what is asked over the serial line; one field at a time.
type question struct {
	Heard    string // by whom; answered by a count for each kind
	Hardware string // of whom
}

// between is the pause between two words: the processor is emulated, and talks all day.
const between = 40 * time.Millisecond

// TestOutside is what there is besides the machine. The words after the flags are the command
// that starts it; cards and a second serial line are added to them. It passes when the machine
// has ended; whether all was well there is in what the machine prints.
func TestOutside(t *testing.T) {
	command := flag.Args()
	if len(command) == 0 {
		t.Skip("no command that starts a machine: .ci/kernels gives one")
	}
	far, ears, hardware := map[string]*containtest.Host{}, map[string]*containtest.Ear{}, map[string]net.HardwareAddr{}
	var cables []*os.File
	for i, w := range wires {
		h := containtest.NewHost(t, w.far)
		far[w.far] = h
		cables = append(cables, h.Tap(t, "tohost"))
		containtest.Plugged(h, "tohost", w.there...).Up(t)
		ears[w.far], hardware[w.far] = h.Listen(t), h.Hardware(t, "tohost")
		command = append(command,
			"-netdev", fmt.Sprintf("tap,id=wire%d,fd=%d", i, 3+i),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=wire%d,romfile=,mac=%s", i, w.hardware))
	}
	far["peer"].Via(t, "198.18.1.1", "fd00:1::1")
	far["inner"].Via(t, "198.18.3.1", "fd00:3::1")
	far["server"].Accept(t, int(control.Port()))

	line := filepath.Join(t.TempDir(), "line")
	l, err := net.Listen("unix", line)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go answer(l, hardware, ears)

	machine := exec.Command(command[0], append(command[1:], "-serial", "unix:"+line)...) //nolint:gosec // what the script says
	machine.ExtraFiles, machine.Stdout, machine.Stderr = cables, os.Stdout, os.Stderr
	if err := machine.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = machine.Process.Kill() })

	// They come to the machine's door, and through it, all the time.
	at := []netip.Addr{containtest.Addr("198.18.1.1"), containtest.Addr("fd00:1::1")}
	far["peer"].Start(t, "", "talk", containtest.Talk{To: at, Ways: []string{"icmp", "new", "udp"}, Every: between})
	far["inner"].Start(t, "", "talk", containtest.Talk{To: []netip.Addr{peer4, peer6}, Ways: []string{"forward"}, Every: between})
	if err := machine.Wait(); err != nil {
		t.Errorf("the machine ended with %v", err)
	}
}

func answer(l net.Listener, hardware map[string]net.HardwareAddr, ears map[string]*containtest.Ear) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	err = containtest.AnswerOn(c, c, func(q question) (any, error) {
		if q.Hardware != "" {
			return hardware[q.Hardware], nil
		}
		ear := ears[q.Heard]
		if ear == nil {
			return nil, fmt.Errorf("nobody here is called %q", q.Heard)
		}
		heard := ear.Heard()
		// The control channel is the one thing that may always be heard.
		maps.DeleteFunc(heard, func(what string, _ int) bool {
			return q.Heard == "server" && strings.HasPrefix(what, fmt.Sprintf("proto 6 port %d over", control.Port()))
		})
		return heard, nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "the line to the machine:", err)
	}
}
