// Package probe asks a kernel what it lets a sensor do, by trying: each program is loaded
// and, where that is harmless, attached for a moment. What a version number or a
// configuration promises is not believed; several kernels allow what never fires.
package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/bpf"
)

// Report is what Run found.
type Report struct {
	Kernel   string    `json:"kernel"`
	Arch     string    `json:"arch"`
	Ready    bool      `json:"ready"`          // a sensor would run here
	Why      string    `json:"why,omitempty"`  // not
	Hint     string    `json:"hint,omitempty"` // what would help
	Cgroup   string    `json:"cgroup"`         // where the v2 tree is; empty without
	Hooks    []Hook    `json:"hooks"`          // what would run
	Features []Feature `json:"features"`       // what the kernel allows, used or not
}

// Hook is one row of what would run.
type Hook struct {
	Sees   string `json:"sees"`
	Runs   string `json:"runs"`             // empty: it would not be seen
	Better string `json:"better,omitempty"` // the hook that was refused
	Why    string `json:"why,omitempty"`
}

// Feature is one thing that a kernel may refuse.
type Feature struct {
	Name    string `json:"name"`
	Allowed bool   `json:"allowed"`
	For     string `json:"for"`
	Why     string `json:"why,omitempty"`
}

// Run probes the kernel that it runs on. It takes some seconds and leaves nothing behind.
func Run() Report {
	r := Report{Kernel: release(), Arch: runtime.GOARCH, Cgroup: bpf.CgroupRoot()}
	eyes, err := bpf.Open(bpf.Options{})
	if err != nil {
		r.Why, r.Hint = explain(err)
	} else {
		r.Ready = true
		for _, h := range eyes.Hooks {
			r.Hooks = append(r.Hooks, row(h))
		}
		_ = eyes.Close()
	}
	for _, f := range features {
		err := f.try()
		r.Features = append(r.Features, Feature{Name: f.name, Allowed: err == nil, For: f.use, Why: short(err)})
	}
	return r
}

func row(h bpf.Hook) Hook {
	out := Hook{Sees: h.What, Runs: h.Runs, Why: short(h.Err)}
	if h.Runs != h.Better {
		out.Better = h.Better
	}
	return out
}

// explain is an error of bpf.Open in a sentence and a hint.
func explain(err error) (why, hint string) {
	switch {
	case errors.Is(err, bpf.ErrNoBTF):
		return "This kernel does not describe itself (no /sys/kernel/btf/vmlinux), so the sensor cannot read it.",
			"Use a kernel built with CONFIG_DEBUG_INFO_BTF=y; those of the distributions are, from 5.8 on."
	case errors.Is(err, os.ErrPermission):
		return "The kernel does not let this process load programs.",
			"Run as root, or with the capabilities " + Capabilities + "."
	}
	return short(err), "tocsin-sensor probe --json says more; a kernel of 5.10 or later is wanted."
}

// Capabilities is what a sensor needs, and no more: programs, tracing, the root cgroup,
// other processes' programs and folders, cgroups by id, and locked memory before 5.11.
const Capabilities = "CAP_BPF CAP_PERFMON CAP_NET_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_SYS_RESOURCE"

// Explain is why a sensor does not start, in a sentence and a hint.
func Explain(err error) (why, hint string) { return explain(err) }

// short is an error without the verifier's log.
func short(err error) string {
	if err == nil {
		return ""
	}
	var v *ebpf.VerifierError
	if errors.As(err, &v) {
		return fmt.Sprintf("%v", v.Cause)
	}
	s := strings.ReplaceAll(err.Error(), "\n", "; ")
	s = strings.TrimSuffix(s, " (MEMLOCK may be too low, consider rlimit.RemoveMemlock)") // a guess of the library's; it was removed
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

type feature struct {
	name, use string
	try       func() error
}

var features = []feature{
	{"ring buffer", "carrying events", ringBuffer},
	{"tp_btf", "exec, exit, fork, socket states", tracing(ebpf.AttachTraceRawTp, "sched_process_exec", ebpf.Tracing)},
	{"raw_tp", "system calls, and instead of tp_btf", rawTracepoint},
	{"fentry", "files and memory, were it allowed", tracing(ebpf.AttachTraceFEntry, "vfs_unlink", ebpf.Tracing)},
	{"fexit", "files and memory, were it allowed", tracing(ebpf.AttachTraceFExit, "vfs_unlink", ebpf.Tracing)},
	{"LSM", "refusing at the hook itself", lsm},
	{"kprobe", "nothing; known for completeness", kprobe},
	{"task iterator", "processes that were there before", tracing(ebpf.AttachTraceIter, "task", ebpf.Tracing)},
	{"cgroup sock_addr", "connect, sendmsg; refusing them", load(ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Connect)},
	{"cgroup skb", "DNS; isolation", load(ebpf.CGroupSKB, ebpf.AttachCGroupInetEgress)},
	{"tcx", "isolation of forwarded traffic", tcx},
	{"modules", "module_load tells their names", present("/proc/modules")},
	{"io_uring", "watched, if allowed at all", ioUring},
}

func try(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	if spec.Instructions == nil {
		spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	}
	spec.License = "GPL"
	return ebpf.NewProgram(spec)
}

func load(t ebpf.ProgramType, at ebpf.AttachType) func() error {
	return func() error {
		p, err := try(&ebpf.ProgramSpec{Type: t, AttachType: at})
		if err == nil {
			_ = p.Close()
		}
		return err
	}
}

// tracing loads and, but for iterators, attaches.
func tracing(at ebpf.AttachType, to string, t ebpf.ProgramType) func() error {
	return func() error {
		p, err := try(&ebpf.ProgramSpec{Type: t, AttachType: at, AttachTo: to})
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		if at == ebpf.AttachTraceIter {
			return nil
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err == nil {
			_ = l.Close()
		}
		return err
	}
}

func rawTracepoint() error {
	p, err := try(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_process_exec", Program: p})
	if err == nil {
		_ = l.Close()
	}
	return err
}

// lsm attaches a program, which some kernels allow and never run: "bpf" must also be
// among the active modules.
func lsm() error {
	p, err := try(&ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open"})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	l, err := link.AttachLSM(link.LSMOptions{Program: p})
	if err != nil {
		return err
	}
	_ = l.Close()
	if active, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil && !strings.Contains(","+strings.TrimSpace(string(active))+",", ",bpf,") {
		return errors.New("it attaches and never runs: bpf is not in /sys/kernel/security/lsm")
	}
	return nil
}

func kprobe() error {
	p, err := try(&ebpf.ProgramSpec{Type: ebpf.Kprobe})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	l, err := link.Kprobe("do_exit", p, nil)
	if err == nil {
		_ = l.Close()
	}
	return err
}

func tcx() error {
	// -1 is TCX_NEXT: whoever comes next decides.
	p, err := try(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()}})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	l, err := link.AttachTCX(link.TCXOptions{Interface: 1, Program: p, Attach: ebpf.AttachTCXEgress}) // 1 is loopback
	if err == nil {
		_ = l.Close()
	}
	return err
}

func ringBuffer() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})
	if err == nil {
		_ = m.Close()
	}
	return err
}

func present(path string) func() error {
	return func() error {
		_, err := os.Stat(path)
		return err
	}
}

func ioUring() error {
	b, err := os.ReadFile("/proc/sys/kernel/io_uring_disabled") // since 6.6
	if err != nil {
		return nil //nolint:nilerr // an older kernel has no such switch, and allows it
	}
	if n, _ := strconv.Atoi(strings.TrimSpace(string(b))); n == 2 {
		return errors.New("switched off by kernel.io_uring_disabled")
	}
	return nil
}
