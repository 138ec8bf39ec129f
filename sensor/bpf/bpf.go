// Package bpf is the part of the sensor that runs in the kernel, and the door to it.
//
// The programs are in c/, one header for each idea, and are compiled ahead of time
// (make sensor-bpf); go build embeds the result and needs no C compiler. Open loads
// them, preferring the better hook where there are two, and says in Hooks what it got.
// Events come out as bytes by Drain, and Decode makes them an event.Event.
//
// For each CPU and kind the kernel side counts seen = filtered + numbered, and
// numbered = delivered + lost; numbers are in the events. Counts reads the sums.
package bpf

//go:generate go tool -modfile=../../.ci/bpf.mod bpf2go -target amd64 -type exec -type exit -type net -type dns -type file_op -type priv -type call eyes c/eyes.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu
//go:generate go tool -modfile=../../.ci/bpf.mod bpf2go -target amd64 -no-global-types eyes510 c/eyes.c -- -DLEGACY -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// Options is what Open needs to know. The zero value watches everything that Normal
// does, on the cgroup tree it finds, and leaves the process that opens it out.
type Options struct {
	Profile Profile
	Watch   Watch  // files; the zero value is DefaultWatch
	Cgroup  string // where the v2 tree is mounted; empty is found
	V1      bool   // containers are told by the v1 memory controller
	See     bool   // watch this process too; tests want it

	refuse func(hook string) bool // tests: pretend that the kernel refuses these
	old    bool                   // tests: the programs for kernels before 5.12
}

// Eyes are the loaded programs. Close detaches them all.
type Eyes struct {
	Hooks []Hook // what runs, in the order of the table

	maps     map[string]*ebpf.Map
	vars     map[string]*ebpf.Variable
	programs map[string]*ebpf.Program
	links    []link.Link
	opts     Options
}

// ErrNoBTF means that the kernel does not say how it is laid out (CONFIG_DEBUG_INFO_BTF).
var ErrNoBTF = errors.New("this kernel was built without BTF, which the sensor needs to read it")

// ErrRefused means that the kernel lets nobody without privileges load programs.
var ErrRefused = errors.New("the kernel refuses BPF programs to this process; it wants CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or root")

// Open loads and attaches the programs. It fails when not even exec can be seen; any
// other hook that is refused is reported in Hooks and the rest runs.
func Open(o Options) (*Eyes, error) {
	_ = rlimit.RemoveMemlock() // since 5.11 memory is charged to the cgroup; refused is not fatal
	if _, err := btf.LoadKernelSpec(); err != nil {
		return nil, errors.Join(ErrNoBTF, err)
	}
	spec, err := spec(o.old)
	if err != nil {
		return nil, err
	}
	e := &Eyes{maps: map[string]*ebpf.Map{}, vars: map[string]*ebpf.Variable{}, programs: map[string]*ebpf.Program{}, opts: o}
	if err := e.open(spec); err != nil {
		_ = e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Eyes) open(spec *ebpf.CollectionSpec) error {
	if err := e.share(spec); err != nil {
		return err
	}
	if err := e.watch(); err != nil {
		return err
	}
	if e.opts.Cgroup == "" {
		e.opts.Cgroup = CgroupRoot()
	}
	for _, h := range hooks {
		e.Hooks = append(e.Hooks, e.attach(spec, h))
	}
	if exec := e.Hooks[0]; exec.Runs == "" {
		return fmt.Errorf("attach %s: %w", exec.What, exec.Err)
	}
	return e.SetProfile(e.opts.Profile)
}

// share makes the maps once, for all programs.
func (e *Eyes) share(spec *ebpf.CollectionSpec) error {
	only := spec.Copy()
	only.Programs = nil
	c, err := ebpf.NewCollection(only)
	if errors.Is(err, os.ErrPermission) {
		return errors.Join(ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("make the maps: %w", err)
	}
	e.maps, e.vars = c.Maps, c.Variables
	return nil
}

// load brings programs into the kernel; they use the shared maps.
func (e *Eyes) load(spec *ebpf.CollectionSpec, names ...string) error {
	only := spec.Copy()
	for name := range only.Programs {
		keep := false
		for _, n := range names {
			keep = keep || n == name
		}
		if !keep {
			delete(only.Programs, name)
		}
	}
	c, err := ebpf.NewCollectionWithOptions(only, ebpf.CollectionOptions{MapReplacements: e.maps})
	if err != nil {
		return err
	}
	for _, n := range names {
		e.programs[n] = c.DetachProgram(n)
	}
	c.Close()
	return nil
}

// Detach ends the watching and keeps rings and counts, to be read a last time.
func (e *Eyes) Detach() error {
	var errs []error
	for _, l := range e.links {
		errs = append(errs, l.Close())
	}
	e.links = nil
	return errors.Join(errs...)
}

// Close detaches the programs and frees the maps.
func (e *Eyes) Close() error {
	errs := []error{e.Detach()}
	for _, p := range e.programs {
		errs = append(errs, p.Close())
	}
	for _, m := range e.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// Program is a loaded program by its name in C, or nil; for measuring.
func (e *Eyes) Program(name string) *ebpf.Program { return e.programs[name] }

// Programs lists what is loaded, by name in C.
func (e *Eyes) Programs() map[string]*ebpf.Program { return e.programs }
