package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// BenchmarkMillion gives a host that watches, and judges by the starter pack, a million indicators over the link, and
// then a thousand others: how long until they are in force there, and what the real program holds of memory. Aim: 128 MB.
func BenchmarkMillion(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("watching takes root")
	}
	program := filepath.Join(b.TempDir(), "tocsin-sensor")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	first, then := aMillion(b, 0), aMillion(b, 1000)
	for b.Loop() {
		f, at := fleetOn(b)
		pid := enrolled(b, f, program, at)
		files, err := sigma.Read(rules.Files())
		if err != nil {
			b.Fatal(err)
		}
		body, err := json.Marshal(files)
		if err != nil {
			b.Fatal(err)
		}
		inForce(b, f, "sigma", 1, body)
		fmt.Printf("\na million indicators (%.1f MB), %d files of rules\n", float64(len(first))/1e6, len(files))
		fmt.Printf("  before                     %4.0f MB resident\n", resident(b, pid, "VmRSS"))
		for i, body := range [][]byte{first, then, first} {
			took := inForce(b, f, "intel", uint64(i+1), body)
			peak := resident(b, pid, "VmHWM")
			time.Sleep(12 * time.Second) // what is not used any more goes back to the machine
			fmt.Printf("  %-26s %4.0f MB resident, %.0f MB at most until then; in force after %.2f s\n", []string{"all", "1,000 of them changed", "and back"}[i],
				resident(b, pid, "VmRSS"), peak, took.Seconds())
		}
	}
}

// aMillion is a set of that many, of which the first ones differ with from.
func aMillion(b *testing.B, from int) []byte {
	r := rand.New(rand.NewPCG(6, 6))
	var all intel.Builder
	for i := range 1_000_000 {
		n := i
		if i < from {
			n += 1_000_000
		}
		x := intel.Indicator{Source: "feed", Confidence: 80}
		switch p := i % 10; {
		case p < 4:
			x.Type, x.Value = intel.IP, fmt.Sprintf("%d.%d.%d.%d", 130+n>>20, n>>12&255, n>>4&255, n&15<<4)
		case p < 7:
			x.Type, x.Value = intel.Domain, fmt.Sprintf("update%d.cdn%d.example", r.IntN(1000), n)
		case p < 9:
			x.Type, x.Value = intel.SHA256, fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), n)
		default:
			x.Type, x.Value = intel.URL, fmt.Sprintf("http://login%d.example/%d/%x.sh", r.IntN(100_000), n, r.Uint32())
		}
		if err := all.Add(x); err != nil {
			b.Fatal(err)
		}
	}
	return all.Set().Encode(nil)
}

// enrolled is the real program, watching this machine for a server.
func enrolled(b *testing.B, f *fleet.Fleet, program, at string) (pid int) {
	state := b.TempDir()
	token, _, err := f.MakeToken(b.Context(), "", "alice", time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(state, "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.CommandContext(b.Context(), program, "enroll", "--server", at, "--token", file, "--host", "web-3", "--state", state).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), program, "run", "--server", "--state", state, "--watch-only", "--limits", filepath.Join(state, "none"))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	comesTrue(b, "it is connected", func() bool { h, _ := f.Host("web-3"); return h.Connected })
	return cmd.Process.Pid
}

// inForce publishes a set and waits until the host has it.
func inForce(b *testing.B, f *fleet.Fleet, kind string, version uint64, body []byte) time.Duration {
	if len(body) > wire.MostUpdate {
		b.Fatalf("%d bytes", len(body))
	}
	began := time.Now()
	if err := f.Publish(kind, version, body); err != nil {
		b.Fatal(err)
	}
	comesTrue(b, "it is installed", func() bool {
		h, _ := f.Host("web-3")
		for _, s := range h.Sets {
			if s.Kind == kind && s.Version == version {
				return s.Trouble == ""
			}
		}
		return false
	})
	return time.Since(began)
}

// resident is what a process holds of memory, MB.
func resident(b *testing.B, pid int, what string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, what+": %f kB", &kb); n == 1 {
			return kb * 1024 / 1e6
		}
	}
	b.Fatal("no ", what)
	return 0
}
