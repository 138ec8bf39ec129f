package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// BenchmarkEyes measures what watching costs: an exec storm without and with the agent,
// one after the other in each round, so that whatever else the machine does falls on
// both. It prints each aim beside what was measured, and fails on no number.
//
// TOCSIN_BENCH_ROUNDS (10) and TOCSIN_BENCH_EXECS (1500 a round) make it longer or shorter.
func BenchmarkEyes(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("programs are loaded by root only")
	}
	rounds, execs := setting("TOCSIN_BENCH_ROUNDS", 10), setting("TOCSIN_BENCH_EXECS", 1500)
	tiny := tinyProgram(b)
	for b.Loop() {
		for _, workers := range []int{1, 2} {
			storms(b, tiny, workers, rounds, execs)
		}
		kernelCost(b, tiny, execs)
		delay(b, tiny)
	}
}

func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// storms alternates rounds and prints the quietest and the median: without a sensor, with one whose process
// is held so that only the programs in the kernel run, with one that tells nobody, and
// with one that writes JSON.
func storms(b *testing.B, tiny string, workers, rounds, execs int) {
	var without, held, silent, telling, cpuSilent, cpuTelling []float64
	var rss uint64
	var accounts agent.Health
	storm(b, tiny, workers, execs/4) // warm
	for range rounds {
		without = append(without, storm(b, tiny, workers, execs))

		s := startSensor(b, "events", "--container", "nobody", "--verbose")
		_ = s.cmd.Process.Signal(syscall.SIGSTOP)
		held = append(held, storm(b, tiny, workers, execs))
		_ = s.cmd.Process.Signal(syscall.SIGCONT)
		time.Sleep(100 * time.Millisecond)
		before := s.cpu(b)
		silent = append(silent, storm(b, tiny, workers, execs))
		time.Sleep(20 * time.Millisecond)
		cpuSilent = append(cpuSilent, float64(s.cpu(b)-before)/float64(execs))
		s.end(b)

		s = startSensor(b, "run", "--to", "/dev/null", "--accounts", filepath.Join(b.TempDir(), "accounts"), "--health", "1h")
		before = s.cpu(b)
		telling = append(telling, storm(b, tiny, workers, execs))
		time.Sleep(20 * time.Millisecond)
		cpuTelling = append(cpuTelling, float64(s.cpu(b)-before)/float64(execs))
		rss = max(rss, s.rss(b))
		s.end(b)
		accounts = s.read(b)
	}
	quiet, usual := slices.Min(without), median(without)
	aim := map[int]int{1: 2, 2: 8}[workers]
	fmt.Printf("exec storm, %d worker(s), %d rounds of %d; the quietest round, then the median\n", workers, rounds, execs)
	fmt.Printf("  %-24s %4.0f µs, %4.0f µs\n", "without", quiet, usual)
	for _, row := range []struct {
		what string
		v    []float64
	}{{"kernel side alone", held}, {"agent that tells nobody", silent}, {"agent that writes JSON", telling}} {
		q, m := slices.Min(row.v), median(row.v)
		fmt.Printf("  %-24s %4.0f µs, %4.0f µs: %+.0f µs (%+.1f %%), %+.0f µs (%+.1f %%) | aim: under %d %%, of a spawn of 592 µs %.0f µs\n",
			row.what, q, m, q-quiet, (q-quiet)/quiet*100, m-usual, (m-usual)/usual*100, aim, 5.92*float64(aim))
	}
	fmt.Printf("agent CPU an exec, %d worker(s): telling nobody %.1f µs, %.1f µs; with JSON %.1f µs, %.1f µs; what the rest of the machine did is in it | aim: under 15 µs\n",
		workers, slices.Min(cpuSilent), median(cpuSilent), slices.Min(cpuTelling), median(cpuTelling))
	fmt.Printf("agent memory, %d worker(s): %.1f MB resident | aim: under 64 MB\n", workers, float64(rss)/1e6)
	fmt.Printf("accounts of the last round:\n%s", accountTable(accounts))
}

// delay is how long after its exec a program is told of, while a thousand start every
// second.
func delay(b *testing.B, tiny string) {
	cmd := exec.Command("/proc/self/exe", "events", "exec", "--json", "--path", filepath.Dir(tiny))
	cmd.Env = append(os.Environ(), asSensor+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var late []float64
	told := make(chan struct{})
	go func() {
		defer close(told)
		for s := bufio.NewScanner(out); s.Scan(); {
			var e event.Event
			if now := time.Now(); json.Unmarshal(s.Bytes(), &e) == nil {
				late = append(late, float64(now.Sub(e.At).Microseconds())/1000)
			}
		}
	}()
	time.Sleep(3 * time.Second) // it is attached by then
	const n = 3000
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	attr := &syscall.ProcAttr{Env: []string{}}
	began := time.Now()
	for range n {
		<-tick.C
		if pid, err := syscall.ForkExec(tiny, []string{tiny}, attr); err == nil {
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
	}
	rate := n / time.Since(began).Seconds()
	time.Sleep(50 * time.Millisecond)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	<-told
	_ = cmd.Wait()
	if len(late) == 0 {
		b.Fatal("nothing was told")
	}
	slices.Sort(late)
	fmt.Printf("exec to line of JSON in another process, %d of %d at %.0f a second: p50 %.1f ms, p99 %.1f ms, most %.1f ms | aim of the whole way to a room: p99 under 100 ms\n",
		len(late), n, rate, late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// storm starts and awaits a program n times by each worker's share, and returns the
// microseconds from one to the next, over all workers.
func storm(b *testing.B, program string, workers, n int) float64 {
	attr := &syscall.ProcAttr{Env: []string{}, Files: []uintptr{}}
	argv := []string{program, "--alpha", "beta", "gamma=delta"}
	began := time.Now()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range n / workers {
				pid, err := syscall.ForkExec(program, argv, attr)
				if err != nil {
					b.Errorf("start: %v", err)
					return
				}
				_, _ = syscall.Wait4(pid, nil, 0, nil)
			}
		})
	}
	all.Wait()
	return float64(time.Since(began).Microseconds()) / float64(n)
}

// kernelCost turns on the kernel's own clock for programs, in a storm of its own: the
// clock costs too.
func kernelCost(b *testing.B, tiny string, execs int) {
	there := programs(b)
	s := startSensor(b, "events", "--container", "nobody", "--verbose")
	stats, err := ebpf.EnableStats(0) // BPF_STATS_RUN_TIME
	if err != nil {
		fmt.Println("kernel ns per run: not to be had here:", err)
		s.end(b)
		return
	}
	before := programs(b)
	storm(b, tiny, 1, execs)
	after := programs(b)
	_ = stats.Close()
	s.end(b)
	var sum float64
	for _, id := range slices.Sorted(maps.Keys(after)) {
		p, old := after[id], before[id]
		if _, was := there[id]; was || p.runs == old.runs {
			continue
		}
		mean := float64(p.ns-old.ns) / float64(p.runs-old.runs)
		fmt.Printf("kernel: %-14s %8.0f ns a run, %7d runs\n", p.name, mean, p.runs-old.runs)
		if p.name == "exec_btf" || p.name == "exit_btf" || p.name == "fork_btf" {
			sum += mean
		}
	}
	fmt.Printf("kernel: fork + exec + exit: %.2f µs | aim: under 3 µs\n", sum/1000)
}

type ran struct {
	name string
	runs uint64
	ns   uint64
}

// programs is every program in the kernel, with what it has cost so far.
func programs(b *testing.B) map[ebpf.ProgramID]ran {
	all := map[ebpf.ProgramID]ran{}
	var id ebpf.ProgramID
	for {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return all
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone
		}
		info, err := p.Info()
		stats, err2 := p.Stats()
		_ = p.Close()
		if err == nil && err2 == nil {
			all[id] = ran{info.Name, stats.RunCount, uint64(stats.Runtime)}
		}
	}
}

// sensor is the real program in a process of its own.
type sensor struct {
	cmd      *exec.Cmd
	accounts string
}

func startSensor(b *testing.B, args ...string) *sensor {
	s := &sensor{}
	for i, a := range args {
		if a == "--accounts" {
			s.accounts = args[i+1]
		}
	}
	s.cmd = exec.Command("/proc/self/exe", args...)
	s.cmd.Env = append(os.Environ(), asSensor+"=1")
	log, err := s.cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 4096)
	var said strings.Builder
	for !strings.Contains(said.String(), "msg=watching") {
		n, err := log.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			b.Fatalf("the sensor ended: %s", said.String())
		}
	}
	go func() { // it never waits for its log to be read
		for {
			if _, err := log.Read(buf); err != nil {
				return
			}
		}
	}()
	time.Sleep(300 * time.Millisecond) // what starting cost is over
	return s
}

// cpu is what it has used, in microseconds: the run time of all its threads, which the
// kernel keeps in nanoseconds.
func (s *sensor) cpu(b *testing.B) int64 {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil || len(files) == 0 {
		b.Fatalf("no threads: %v", err)
	}
	var ns int64
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		n, _ := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		ns += n
	}
	return ns / 1000
}

func (s *sensor) rss(b *testing.B) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	pages, _ := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}

func (s *sensor) end(b *testing.B) {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		b.Fatalf("the sensor: %v", err)
	}
}

func (s *sensor) read(b *testing.B) agent.Health {
	text, err := os.ReadFile(s.accounts)
	if err != nil {
		b.Fatal(err)
	}
	var h agent.Health
	if err := json.Unmarshal(text, &h); err != nil {
		b.Fatal(err)
	}
	return h
}

func accountTable(h agent.Health) string {
	var out strings.Builder
	fmt.Fprintf(&out, "  %-10s %9s %9s %9s %9s %9s %6s %6s\n", "kind", "seen", "filtered", "lost", "read", "delivered", "other", "open")
	for _, name := range slices.Sorted(maps.Keys(h.Kinds)) {
		k := h.Kinds[name]
		if k.Seen == 0 {
			continue
		}
		fmt.Fprintf(&out, "  %-10s %9d %9d %9d %9d %9d %6d %6d\n", name, k.Seen, k.Filtered, k.Lost, k.Read, k.Delivered,
			k.Unwatched+k.Dropped+k.Overflowed+k.Refused, k.Open())
	}
	return out.String()
}

// tinyProgram writes a static x86-64 program that ends at once: a storm should cost the
// kernel's work, not a run-time's. Layout: elf(5).
func tinyProgram(tb testing.TB) string {
	code := []byte{0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05} // mov $60,%eax; xor %edi,%edi; syscall
	const base, head = 0x400000, 64 + 56
	elf := make([]byte, head, head+len(code))
	copy(elf, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(elf[16:], 2)         // ET_EXEC
	le.PutUint16(elf[18:], 62)        // EM_X86_64
	le.PutUint32(elf[20:], 1)         // version
	le.PutUint64(elf[24:], base+head) // entry
	le.PutUint64(elf[32:], 64)        // program headers
	le.PutUint16(elf[52:], 64)        // size of this header
	le.PutUint16(elf[54:], 56)        // of a program header
	le.PutUint16(elf[56:], 1)         // one
	le.PutUint32(elf[64:], 1)         // PT_LOAD
	le.PutUint32(elf[68:], 5)         // read, execute
	le.PutUint64(elf[80:], base)      // virtual
	le.PutUint64(elf[88:], base)      // physical
	le.PutUint64(elf[96:], uint64(head+len(code)))
	le.PutUint64(elf[104:], uint64(head+len(code)))
	le.PutUint64(elf[112:], 4096)
	path := filepath.Join(tb.TempDir(), "tiny")
	if err := os.WriteFile(path, append(elf, code...), 0o700); err != nil {
		tb.Fatal(err)
	}
	return path
}
