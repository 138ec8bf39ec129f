package bpf

import (
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

type lane struct{ cpu, kind uint32 }

// account reads everything and holds it against the kernel's counts: what was seen is
// filtered, read or lost, exactly, and the numbers in the events agree.
func account(t *testing.T, e *Eyes, all []event.Event) map[event.Kind]Count {
	t.Helper()
	counts, err := e.Counts()
	if err != nil {
		t.Fatal(err)
	}
	read := map[event.Kind]uint64{}
	highest, got := map[lane]uint64{}, map[lane]uint64{}
	numbers := map[lane]map[uint64]bool{}
	for _, ev := range all {
		read[ev.Kind]++
		l := lane{ev.CPU, uint32(ev.Kind)}
		got[l]++
		highest[l] = max(highest[l], ev.Seq)
		if numbers[l] == nil {
			numbers[l] = map[uint64]bool{}
		}
		if numbers[l][ev.Seq] {
			t.Errorf("%s: number %d came twice on CPU %d", ev.Kind, ev.Seq, ev.CPU)
		}
		numbers[l][ev.Seq] = true
	}
	missing := map[event.Kind]uint64{}
	for l, h := range highest {
		missing[event.Kind(l.kind)] += h - got[l]
	}
	for k, c := range counts {
		if c.Seen != c.Filtered+c.Numbered {
			t.Errorf("%s: %d seen, %d filtered and %d numbered", k, c.Seen, c.Filtered, c.Numbered)
		}
		if c.Numbered != read[k]+c.Lost {
			t.Errorf("%s: %d numbered, %d read and %d lost", k, c.Numbered, read[k], c.Lost)
		}
		if missing[k] > c.Lost {
			t.Errorf("%s: %d numbers are missing, and only %d were counted as lost", k, missing[k], c.Lost)
		}
	}
	return counts
}

// stop lets nothing more happen in the rings: the machine has other work, which would
// move the counts while they are read.
func stop(t *testing.T, e *Eyes) {
	t.Helper()
	if err := e.Detach(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // whoever is inside a program leaves it
}

// Nobody reads while more programs start than the ring can hold.
func TestExecStormIsAccountedFor(t *testing.T) {
	e, r := watch(t, Options{See: true})
	const storm = 30_000
	path, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	// An exec that fails is an event like any other, and costs no process.
	fail := func() {
		for range storm / 4 {
			_ = syscall.Exec("/etc/passwd", []string{"x"}, nil)
		}
	}
	for range 4 {
		fail()
	}
	for range 50 {
		if err := exec.Command(path).Run(); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, e)
	c := account(t, e, drain(t, r))[event.Exec]
	if c.Lost == 0 || c.Delivered() == 0 {
		t.Errorf("%+v: the storm was too small to lose anything", c)
	}
	if c.Seen < storm {
		t.Errorf("%d of %d were seen", c.Seen, storm)
	}
	t.Logf("exec: %d seen, %d filtered, %d delivered, %d lost and counted", c.Seen, c.Filtered, c.Delivered(), c.Lost)
}

// A flood of names fills the bulk lane; programs that start meanwhile are not lost.
func TestPriorityLaneWhileBulkIsFull(t *testing.T) {
	e, r := watch(t, Options{See: true})
	c, err := net.Dial("udp4", "127.53.53.54:53") // nobody is there, and nobody needs to be
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	query := make([]byte, 40)
	for i := range 12_000 { // every second one is refused before it leaves
		_, _ = c.Write(query)
		if i%100 == 0 {
			if err := exec.Command("true").Run(); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop(t, e)
	counts := account(t, e, drain(t, r))
	if counts[event.DNS].Lost == 0 {
		t.Errorf("%+v: the flood was too small", counts[event.DNS])
	}
	if x := counts[event.Exec]; x.Lost != 0 || x.Delivered() < 120 {
		t.Errorf("exec: %+v", x)
	}
	for _, k := range event.Kinds() {
		if n := counts[k]; n.Seen > 0 {
			t.Logf("%-9s %7d seen %7d filtered %7d delivered %7d lost", k, n.Seen, n.Filtered, n.Delivered(), n.Lost)
		}
	}
}
