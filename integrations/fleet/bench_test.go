package fleet_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/integrations/fleet/fleettest"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/judge"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

const asServer = "TOCSIN_BENCH_FLEET"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		if err := benchServer(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// benchServer is a server in a process of its own, so that what it costs can be told from what a
// thousand sensors cost. It reads a command a line and answers with a line.
func benchServer() error {
	book := fleettest.NewBook()
	text, err := os.ReadFile(os.Getenv(asServer))
	if err == nil {
		err = json.Unmarshal(text, &book.Agented)
	}
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	f, err := fleet.New(context.Background(), fleet.Config{Workspace: "acme", Book: book, Directives: orderKey, Authority: authorityKey, Names: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", os.Getenv(asServer+"_AT"))
	if err != nil {
		return err
	}
	go func() { _ = f.Serve(context.Background(), l) }()
	fmt.Println(l.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(benchAnswer(f, book, lines.Text()))
	}
	return nil
}

func benchAnswer(f *fleet.Fleet, book *fleettest.Book, line string) string {
	ctx := context.Background()
	switch line {
	case "token":
		text, _, err := f.MakeToken(ctx, "", "bench", time.Hour)
		if err != nil {
			return err.Error()
		}
		return text
	case "save":
		book.Mu.Lock()
		defer book.Mu.Unlock()
		b, _ := json.Marshal(book.Agented)
		return fmt.Sprint(os.WriteFile(os.Getenv(asServer), b, 0o600))
	case "connected":
		n := 0
		for _, h := range f.Hosts() {
			if h.Connected {
				n++
			}
		}
		return strconv.Itoa(n)
	case "events":
		n := uint64(0)
		for _, h := range f.Hosts() {
			n += h.Received.Events
		}
		return strconv.FormatUint(n, 10)
	case "hunt":
		began := time.Now()
		var first time.Duration
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		sum, err := f.Ask(ctx, "all", &wire.Question{What: wire.AskHunt, Kind: wire.HuntIP, Subject: "198.51.100.7"}, func(p fleet.Part, s fleet.Sum) {
			if first == 0 && len(p.Rows) > 0 {
				first = time.Since(began)
			}
		})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(first.Microseconds(), " ", time.Since(began).Microseconds(), " ", sum.Answered, " ", sum.Rows)
	}
	return "?"
}

type child struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Scanner
	at  string
}

func startServer(b *testing.B, book, at string) *child {
	b.Helper()
	c := &child{cmd: exec.Command("/proc/self/exe")}
	c.cmd.Env = append(os.Environ(), asServer+"="+book, asServer+"_AT="+at)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c.in, c.out = bufio.NewWriter(in), bufio.NewScanner(out)
	if !c.out.Scan() {
		b.Fatal("the server did not start")
	}
	c.at = c.out.Text()
	b.Cleanup(c.kill)
	return c
}

func (c *child) kill() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() }

func (c *child) ask(b *testing.B, line string) string {
	b.Helper()
	_, _ = fmt.Fprintln(c.in, line)
	_ = c.in.Flush()
	if !c.out.Scan() {
		b.Fatal("the server is gone")
	}
	return c.out.Text()
}

// used is what the server's process has: resident memory, and CPU so far.
func (c *child) used(b *testing.B) (rss int64, cpu time.Duration) {
	b.Helper()
	pid := c.cmd.Process.Pid
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			rss, _ = strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return rss << 10, time.Duration(user+system) * 10 * time.Millisecond
}

func percentile(all []time.Duration, p int) time.Duration {
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*p/100)].Round(100 * time.Microsecond)
}

// BenchmarkAThousandSensors is one server and a thousand sensors with real links, spools and memories
// on this machine; only what they see is made up. TOCSIN_BENCH_SENSORS is another number of them.
func BenchmarkAThousandSensors(b *testing.B) {
	many := 1000
	if n, err := strconv.Atoi(os.Getenv("TOCSIN_BENCH_SENSORS")); err == nil {
		many = n
	}
	for range b.N {
		thousand(b, many)
	}
}

func thousand(b *testing.B, many int) {
	dir := b.TempDir()
	book := filepath.Join(dir, "book.json")
	s := startServer(b, book, "127.0.0.1:0")
	empty, _ := s.used(b)
	began := time.Now()
	hosts := make([]*host, many)
	for i := range hosts {
		hosts[i] = benchHost(b, s.at, s.ask(b, "token"), dir, i)
	}
	b.Logf("%d enrolled one after the other in %v", many, time.Since(began).Round(time.Millisecond))
	began = time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, h := range hosts {
		all.Go(func() { _ = h.link.Run(ctx) })
	}
	await(b, s, "connected", many)
	connected := time.Since(began)
	time.Sleep(5 * time.Second)
	rss, before := s.used(b)
	b.Logf("all connected in %v; server: %d MB resident (%d MB empty), %d kB for each sensor", connected.Round(time.Millisecond), rss>>20, empty>>20, (rss-empty)>>10/int64(many))
	time.Sleep(20 * time.Second)
	_, after := s.used(b)
	b.Logf("idle: %.2f %% of one CPU", 100*(after-before).Seconds()/20)

	_, before = s.used(b)
	began = time.Now()
	const each = 20
	var lost atomic.Int64
	for _, h := range hosts {
		for i := range uint64(each) {
			e := seen(h, i)
			e.Rule = "shell"
			if h.link.Take(ctx, 0, events(e)) != nil {
				lost.Add(1)
			}
		}
	}
	await(b, s, "events", many*each)
	took := time.Since(began)
	rss, after = s.used(b)
	b.Logf("%d signals in %v, %.0f/s, %v of the server's CPU each; %d MB", many*each, took.Round(time.Millisecond), float64(many*each)/took.Seconds(),
		((after - before) / time.Duration(many*each)).Round(time.Microsecond), rss>>20)

	var first, whole []time.Duration
	rows := 0
	for range 20 {
		var f, w int64
		var answered int
		got := s.ask(b, "hunt")
		if _, err := fmt.Sscan(got, &f, &w, &answered, &rows); err != nil || answered != many {
			b.Log("hunt: ", got)
		}
		first, whole = append(first, time.Duration(f)*time.Microsecond), append(whole, time.Duration(w)*time.Microsecond)
	}
	b.Logf("hunt over %d hosts, %d rows: first row p50 %v p95 %v, all answered p50 %v p95 %v", many, rows, percentile(first, 50), percentile(first, 95), percentile(whole, 50), percentile(whole, 95))

	s.ask(b, "save")
	s.kill()
	s = startServer(b, book, s.at)
	began = time.Now()
	var half time.Duration
	for {
		n, _ := strconv.Atoi(s.ask(b, "connected"))
		if half == 0 && n >= many/2 {
			half = time.Since(began)
		}
		if n == many || time.Since(began) > 3*time.Minute {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	back := time.Since(began)
	rss, cpu := s.used(b)
	b.Logf("the server was killed and started again: half were back after %v, all after %v, %v of its CPU, %d MB", half.Round(time.Millisecond), back.Round(time.Millisecond), cpu, rss>>20)
	b.ReportMetric(float64(rss>>20), "MB")
	b.ReportMetric(float64(percentile(whole, 95).Milliseconds()), "hunt-p95-ms")
}

func await(b *testing.B, s *child, what string, want int) {
	b.Helper()
	for began := time.Now(); time.Since(began) < 5*time.Minute; time.Sleep(20 * time.Millisecond) {
		if n, _ := strconv.Atoi(s.ask(b, what)); n >= want {
			return
		}
	}
	b.Fatalf("%s never were %d", what, want)
}

func benchHost(b *testing.B, at, token, dir string, i int) *host {
	b.Helper()
	h := &host{name: fmt.Sprintf("web-%d", i), dir: filepath.Join(dir, strconv.Itoa(i)), clock: &clock{}}
	var err error
	if h.id, err = link.Enrol(b.Context(), link.Enrolment{Server: at, Token: token, Host: h.name, Dir: filepath.Join(h.dir, "link"), Machine: machine(h.name)}); err != nil {
		b.Fatal(err)
	}
	if h.spool, err = spool.Open(spool.Options{Dir: filepath.Join(h.dir, "spool")}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.spool.Close() })
	m := memory.New(memory.Options{Events: 1000, Proc: dir})
	for n := range 1000 {
		e := event.Event{Kind: event.Connect, At: time.Now(), Host: h.name, Process: event.Process{Exe: "/usr/bin/curl"}, Net: &event.NetOf{}}
		e.Net.Remote = remote(n, i)
		m.Remember(events(e))
	}
	j := judge.New(time.Now)
	if h.link, err = link.New(link.Config{Dir: filepath.Join(h.dir, "link"), Identity: h.id, Spool: h.spool, Memory: m,
		Install: map[string]func([]byte) error{"intel": j.Intel}, Change: map[string]func([]byte) ([]byte, error){"intel": j.ChangeIntel}}); err != nil {
		b.Fatal(err)
	}
	return h
}

// BenchmarkOrder is an isolation from the click on: planned before; number, signature, link, the host's
// verification and its disk, and the answer. The kernel's part is measured in package contain.
func BenchmarkOrder(b *testing.B) {
	s := serve(b)
	join(b, s, "web-3", setup{proc: b.TempDir()})
	a, _ := action(b, s, "fleet.isolate-host").(interface {
		actions.Action
		actions.Undoer
	})
	var all []time.Duration
	n := 0
	for b.Loop() {
		n++
		p, err := a.Plan(b.Context(), actions.Input{Target: "web-3", Key: fmt.Sprint("INC-0042.C1/", n)})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		r, err := a.Do(b.Context(), p)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(began))
		if _, err := a.Undo(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(percentile(all, 50).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(percentile(all, 99).Microseconds())/1000, "p99-ms")
}
