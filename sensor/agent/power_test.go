package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

func TestPower(t *testing.T) {
	w := kernel(t)
	victim := command("sleep")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = victim.Process.Kill(); _ = victim.Wait() }()
	time.Sleep(50 * time.Millisecond)
	self, _ := os.Executable()
	text := filepath.Join(t.TempDir(), "rootkit.ko")
	if err := os.WriteFile(text, []byte("not a module"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	id := itoa(victim.Process.Pid)
	for _, c := range []struct {
		deed string
		args []string
		kind event.Kind
		fits func(event.SystemOf) bool
	}{
		{"ptrace", []string{id}, event.Ptrace, func(s event.SystemOf) bool { return s.Call == "ptrace" && s.Arg == 0x4206 }},
		{"vm_write", []string{id}, event.MemWrite, func(s event.SystemOf) bool {
			return s.Call == "process_vm_writev" && s.Result == -int32(syscall.EFAULT)
		}},
		{"proc_mem", []string{id}, event.MemWrite, func(s event.SystemOf) bool { return s.Call == "/proc/pid/mem" }},
		{"bpf", nil, event.BPF, func(s event.SystemOf) bool { return s.Name == "innocent" && s.Arg == 1 }},
		{"unshare", nil, event.Namespace, func(s event.SystemOf) bool { return s.Call == "unshare" && s.Arg == 0x20000 }},
		{"setns", nil, event.Namespace, func(s event.SystemOf) bool { return s.Call == "setns" && s.Arg == 0x40000000 }},
		{"mount", []string{dir}, event.Mount, func(s event.SystemOf) bool { return s.Name == dir && s.Source == "loot" && s.Arg == 8 }},
		{"module", []string{text}, event.Module, func(s event.SystemOf) bool { return s.Source == text && s.Result < 0 }},
	} {
		t.Run(c.deed, func(t *testing.T) {
			pid := deed(t, c.deed, c.args...)
			e := w.find(t, c.kind, pid, func(e event.Event) bool { return c.fits(*e.Sys) })
			if len(c.args) > 0 && c.args[0] == id && (int(e.Sys.Target.PID) != victim.Process.Pid || e.Sys.Target.Exe != self) {
				t.Errorf("target %+v", e.Sys.Target)
			}
			if e.Process.Exe != self {
				t.Errorf("by %q", e.Process.Exe)
			}
		})
	}
}

// Back to root by a saved user id: from nobody to everything, without an exec.
func TestPrivilegeThatComesBack(t *testing.T) {
	w := kernel(t)
	pid := deed(t, "setresuid")
	e := w.find(t, event.Privilege, pid, func(e event.Event) bool { return e.Priv.EUID == 0 && e.Priv.EUIDWas == 65534 })
	if e.Priv.Call != "setresuid" || e.Priv.CapsWas != 0 || e.Priv.Caps == 0 {
		t.Errorf("%+v", e.Priv)
	}
}

// In namespaces of its own a process has other numbers and another root; it is told by
// the host's number, and by its path in its own root.
func TestNamespaces(t *testing.T) {
	w := kernel(t)
	root := open(t, t.TempDir())
	tiny(t, filepath.Join(root, "tiny"))
	cmd := exec.Command("/tiny", "inside")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS, Chroot: root}
	pid := start(t, cmd)
	e := w.find(t, event.Exec, pid, func(e event.Event) bool { return len(e.Process.Args) == 2 })
	if e.Process.Exe != "/tiny" || e.Process.Dir != "/" {
		t.Errorf("%q in %q", e.Process.Exe, e.Process.Dir)
	}
}

// Root in a user namespace of its own has gained nothing out here.
func TestRootOfItsOwnNamespaceIsNotRoot(t *testing.T) {
	w := kernel(t)
	prog := tiny(t, filepath.Join(open(t, t.TempDir()), "tiny"))
	cmd := exec.Command(prog)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, Credential: &syscall.Credential{NoSetGroups: true},
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}}}
	if err := cmd.Run(); err != nil {
		missing(t, "no user namespaces here:", err)
	}
	e := w.find(t, event.Exec, cmd.Process.Pid, nil)
	if e.Exec.SetUID || e.Exec.Caps || e.Process.UID == 0 {
		t.Errorf("%+v as %d", e.Exec, e.Process.UID)
	}
}

// A shell that forks without exec is still the shell.
func TestForkWithoutExec(t *testing.T) {
	w := kernel(t)
	path := filepath.Join(w.under, "by-subshell")
	pid := start(t, exec.Command("sh", "-c", "(: > "+path+"); :"))
	e := w.find(t, event.File, 0, func(e event.Event) bool { return e.File.Path == path })
	if int(e.Process.PID) == pid {
		missing(t, "this shell does not fork for a subshell")
	}
	if int(e.Parent.PID) != pid || e.Process.Exe != e.Parent.Exe || e.Process.Exe == "" {
		t.Errorf("%q of %q", e.Process.Exe, e.Parent.Exe)
	}
}

// A container is told by its cgroup's path.
func TestContainer(t *testing.T) {
	w := kernel(t)
	root, _ := cgroupTree()
	id := strings.Repeat("0123456789abcdef", 4)
	slice := filepath.Join(root, "kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice")
	cgroup := filepath.Join(slice, "cri-containerd-"+id+".scope")
	if err := os.MkdirAll(cgroup, 0o755); err != nil {
		missing(t, "no cgroup can be made here:", err)
	}
	defer func() { _ = os.Remove(cgroup); _ = os.Remove(slice) }()
	prog := tiny(t, filepath.Join(t.TempDir(), "tiny"))
	cmd := exec.Command("sh", "-c", "echo $$ > "+cgroup+"/cgroup.procs && exec "+prog)
	pid := start(t, cmd)
	e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Process.Exe == prog })
	if e.Container.ID != id || e.Container.PodUID != "11111111-2222-3333-4444-555555555555" || e.Container.Cgroup == 0 {
		t.Errorf("%+v", e.Container)
	}
	if e.Process.User != "" {
		t.Errorf("user %q: the name of a number on the host means nothing in a container", e.Process.User)
	}
}
