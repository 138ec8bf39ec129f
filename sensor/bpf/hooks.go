package bpf

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// A Hook is one place in the kernel where we look, and what came of attaching there.
type Hook struct {
	What     string // what is seen there, in words
	Better   string // the hook that is preferred
	Runs     string // the hook that runs; empty when none does
	Programs []string
	Err      error // why none runs, or why the better one does not
}

// how attaches one program.
type how struct {
	name string // as people know the hook
	prog string // in C
	at   ebpf.AttachType
}

type hook struct {
	what string
	all  []how    // together, instead of one of ways
	ways []how    // best first
	tail []string // programs that the first one calls
}

// hooks is everything that is attached, exec first: without it there is no sensor.
var hooks = []hook{
	{what: "exec", ways: []how{{name: "tp_btf/sched_process_exec", prog: "exec_btf"}, {name: "raw_tp/sched_process_exec", prog: "exec_raw"}}},
	{what: "exit", ways: []how{{name: "tp_btf/sched_process_exit", prog: "exit_btf"}, {name: "raw_tp/sched_process_exit", prog: "exit_raw"}}},
	{what: "fork", ways: []how{{name: "tp_btf/sched_process_fork", prog: "fork_btf"}, {name: "raw_tp/sched_process_fork", prog: "fork_raw"}}},
	{what: "connect outcome, listen", ways: []how{{name: "tp_btf/inet_sock_set_state", prog: "state_btf"}, {name: "raw_tp/inet_sock_set_state", prog: "state_raw"}}},
	{what: "connect", all: []how{{"cgroup/connect4", "connect4", ebpf.AttachCGroupInet4Connect}, {"cgroup/connect6", "connect6", ebpf.AttachCGroupInet6Connect}}},
	{what: "datagrams", all: []how{{"cgroup/sendmsg4", "sendmsg4", ebpf.AttachCGroupUDP4Sendmsg}, {"cgroup/sendmsg6", "sendmsg6", ebpf.AttachCGroupUDP6Sendmsg}}},
	{what: "bind", all: []how{{"cgroup/post_bind4", "post_bind4", ebpf.AttachCGroupInet4PostBind}, {"cgroup/post_bind6", "post_bind6", ebpf.AttachCGroupInet6PostBind}}},
	{what: "DNS", all: []how{{"cgroup_skb/egress", "dns_out", ebpf.AttachCGroupInetEgress}, {"cgroup_skb/ingress", "dns_in", ebpf.AttachCGroupInetIngress}}},
	{what: "system calls: files, credentials, accept, failed exec and others", ways: []how{{name: "raw_tp/sys_exit", prog: "sys_exit"}},
		tail: []string{"on_open", "on_paths", "on_failed_exec", "on_accept", "on_creds", "on_call"}},
	{what: "files by io_uring", ways: []how{{name: "raw_tp/io_uring_submit_req", prog: "on_ring"}, {name: "raw_tp/io_uring_submit_sqe", prog: "on_ring"}}},
	{what: "module load by name", ways: []how{{name: "raw_tp/module_load", prog: "on_module"}}},
}

// attach tries the ways of a hook, best first. What it could not get is in the Hook.
func (e *Eyes) attach(spec *ebpf.CollectionSpec, h hook) Hook {
	if len(h.all) > 0 {
		return e.attachAll(spec, h)
	}
	got := Hook{What: h.what, Better: h.ways[0].name}
	for _, w := range h.ways {
		err := e.attachOne(spec, w, h.tail)
		if err == nil {
			got.Runs, got.Programs = w.name, append([]string{w.prog}, h.tail...)
			return got
		}
		got.Err = errors.Join(got.Err, fmt.Errorf("%s: %w", w.name, err))
	}
	return got
}

func (e *Eyes) attachOne(spec *ebpf.CollectionSpec, w how, tail []string) error {
	if e.opts.refuse != nil && e.opts.refuse(w.name) {
		return os.ErrPermission
	}
	if strings.HasSuffix(w.name, "io_uring_submit_sqe") && !tellsRequest() {
		return os.ErrNotExist
	}
	if err := e.load(spec, append([]string{w.prog}, tail...)...); err != nil {
		return err
	}
	for i, name := range tail {
		if err := e.maps["rest"].Put(uint32(i+1), e.programs[name]); err != nil { // enum serve
			return fmt.Errorf("join %s: %w", name, err)
		}
	}
	var l link.Link
	var err error
	prog := e.programs[w.prog]
	if where, ok := strings.CutPrefix(w.name, "raw_tp/"); ok {
		l, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: where, Program: prog})
	} else {
		l, err = link.AttachTracing(link.TracingOptions{Program: prog})
	}
	if err != nil {
		return err
	}
	e.links = append(e.links, l)
	return nil
}

// tellsRequest says whether the tracepoint has its present arguments under its old name:
// the request first. Older kernels give the ring there, which must not be read as one.
func tellsRequest() bool {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	var t *btf.Typedef
	if spec.TypeByName("btf_trace_io_uring_submit_sqe", &t) != nil {
		return false
	}
	to, ok := t.Type.(*btf.Pointer)
	if !ok {
		return false
	}
	f, ok := to.Target.(*btf.FuncProto)
	if !ok || len(f.Params) < 2 {
		return false
	}
	arg, ok := f.Params[1].Type.(*btf.Pointer)
	return ok && arg.Target.TypeName() == "io_kiocb"
}

// attachAll attaches every program of the hook to the root cgroup; IPv6 may be missing.
func (e *Eyes) attachAll(spec *ebpf.CollectionSpec, h hook) Hook {
	got := Hook{What: h.what, Better: names(h.all)}
	if e.opts.Cgroup == "" {
		got.Err = errors.New("no cgroup v2 tree is mounted")
		return got
	}
	var run []how
	for _, w := range h.all {
		err := e.load(spec, w.prog)
		if err == nil {
			var l link.Link
			l, err = link.AttachCgroup(link.CgroupOptions{Path: e.opts.Cgroup, Attach: w.at, Program: e.programs[w.prog]})
			if err == nil {
				e.links = append(e.links, l)
				run = append(run, w)
				got.Programs = append(got.Programs, w.prog)
				continue
			}
		}
		got.Err = errors.Join(got.Err, fmt.Errorf("%s: %w", w.name, err))
	}
	got.Runs = names(run)
	return got
}

func names(all []how) string {
	var out []string
	for _, w := range all {
		out = append(out, w.name)
	}
	return strings.Join(out, ", ")
}

// spec is the object for this kernel: before 5.12 an atomic add does not return what
// was there, and the verifier refuses the instruction wherever it stands.
func spec(old bool) (*ebpf.CollectionSpec, error) {
	if !old && fetchAdd() {
		return loadEyes()
	}
	return loadEyes510()
}

func fetchAdd() bool {
	// cilium/ebpf 0.22 writes an atomic that was made in Go without its modifier, so that
	// it would pass for a plain addition; programs from an object keep theirs.
	add := asm.FetchAdd.Mem(asm.RFP, asm.R0, asm.DWord, -8)
	add.Constant = int64(asm.FetchAdd >> 8)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "MIT", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
		add,
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}})
	if err != nil {
		return false // the old object loads anywhere
	}
	_ = p.Close()
	return true
}

// CgroupRoot is where the v2 tree is mounted, or empty: alone at /sys/fs/cgroup, or
// beside v1 controllers at /sys/fs/cgroup/unified.
func CgroupRoot() string {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(dir + "/cgroup.procs"); err == nil {
			if _, err := os.Stat(dir + "/cgroup.controllers"); err == nil {
				return dir
			}
		}
	}
	return ""
}
