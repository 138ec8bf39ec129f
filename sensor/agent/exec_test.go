package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// A program is known by its file, whatever it was called by.
func TestExecIsSeenByItsFile(t *testing.T) {
	w := kernel(t)
	dir := t.TempDir()
	prog := tiny(t, filepath.Join(dir, "tiny"))
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "innocent")
	if err := os.Symlink(prog, link); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!"+prog+" -x\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, asked, dir, args string }{
		{"by its whole path", prog, dir, prog + "|a|b"},
		{"by a relative path", "./tiny", dir, "./tiny|a|b"},
		{"by a path with dots", "../sub/../tiny", filepath.Join(dir, "sub"), "../sub/../tiny|a|b"},
		{"by a link", link, dir, link + "|a|b"},
		{"by a script", script, dir, prog + "|-x|" + script + "|a|b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := &exec.Cmd{Path: c.asked, Args: []string{c.asked, "a", "b"}, Dir: c.dir}
			pid := start(t, cmd)
			e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Process.Exe == prog })
			if e.Exec.Asked != c.asked || e.Process.Dir != c.dir || strings.Join(e.Process.Args, "|") != c.args || e.Process.Cut {
				t.Errorf("asked %q, in %q, args %q", e.Exec.Asked, e.Process.Dir, e.Process.Args)
			}
			self, _ := os.Executable()
			if int(e.Parent.PID) != os.Getpid() || e.Parent.Exe != self {
				t.Errorf("parent %d %q; it is %d %q", e.Parent.PID, e.Parent.Exe, os.Getpid(), self)
			}
			if e.Host != "web-3" || e.Process.User != "root" || e.Exec.Inode == 0 || e.Exec.CTime == 0 {
				t.Errorf("host %q, user %q, inode %d, ctime %d", e.Host, e.Process.User, e.Exec.Inode, e.Exec.CTime)
			}
			x := w.find(t, event.Exit, pid, nil)
			if x.Process.Key != e.Process.Key || x.Process.Exe != prog {
				t.Errorf("it ended as %+v", x.Process)
			}
		})
	}
}

// What is hidden behind a wall of arguments leaves a mark.
func TestLongArgumentsAreCutAndSaidToBe(t *testing.T) {
	w := kernel(t)
	prog := tiny(t, filepath.Join(t.TempDir(), "tiny"))
	for _, c := range []struct {
		name string
		n    int // bytes of one argument
		cut  bool
	}{{"short", 10, false}, {"just all", 4096 - len(prog) - 2, false}, {"one too many", 4096 - len(prog) - 1, true}, {"much", 100_000, true}} {
		t.Run(c.name, func(t *testing.T) {
			pid := start(t, exec.Command(prog, strings.Repeat("a", c.n)))
			e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Process.Exe == prog })
			kept := len(strings.Join(e.Process.Args, " ")) + 1
			if e.Process.Cut != c.cut || int(e.Process.ArgsLen) != len(prog)+1+c.n+1 || !c.cut && kept != int(e.Process.ArgsLen) || kept > 4097 {
				t.Errorf("cut %t, %d bytes of %d", e.Process.Cut, kept, e.Process.ArgsLen)
			}
		})
	}
}

func TestProgramsWithoutAName(t *testing.T) {
	w := kernel(t)
	dir := t.TempDir()
	t.Run("from memory", func(t *testing.T) {
		pid := deed(t, "memfd", tiny(t, filepath.Join(dir, "a")))
		m := w.find(t, event.Memfd, pid, nil)
		if m.Sys.Name != "kworker" || m.Sys.Call != "memfd_create" {
			t.Errorf("%+v", m.Sys)
		}
		e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Exec.Memfd })
		if !strings.Contains(e.Process.Exe, "memfd:kworker") || e.Exec.Deleted {
			t.Errorf("%q %+v", e.Process.Exe, e.Exec)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		prog := tiny(t, filepath.Join(dir, "b"))
		pid := deed(t, "deleted", prog)
		e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Exec.Deleted })
		if e.Process.Exe != prog || e.Exec.Memfd {
			t.Errorf("%q %+v", e.Process.Exe, e.Exec)
		}
	})
}

// Who was somebody else before.
func TestExecThatGivesPower(t *testing.T) {
	w := kernel(t)
	dir := open(t, t.TempDir())
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	t.Run("set-user-id", func(t *testing.T) {
		prog := tiny(t, filepath.Join(dir, "suid"))
		if err := os.Chmod(prog, 0o755|os.ModeSetuid); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(prog)
		cmd.SysProcAttr = nobody
		e := w.find(t, event.Exec, start(t, cmd), func(e event.Event) bool { return e.Process.Exe == prog })
		if !e.Exec.SetUID || e.Process.UID != 65534 || e.Process.EUID != 0 || e.Exec.EUIDWas != 65534 {
			t.Errorf("%+v by %d, effective %d", e.Exec, e.Process.UID, e.Process.EUID)
		}
	})
	t.Run("file capabilities", func(t *testing.T) {
		prog := tiny(t, filepath.Join(dir, "caps"))
		// struct vfs_cap_data, version 2, effective: CAP_NET_RAW (13) permitted
		data := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		if err := unix.Setxattr(prog, "security.capability", data, 0); err != nil {
			missing(t, "this file system has no capabilities:", err)
		}
		cmd := exec.Command(prog)
		cmd.SysProcAttr = nobody
		e := w.find(t, event.Exec, start(t, cmd), func(e event.Event) bool { return e.Process.Exe == prog })
		if !e.Exec.Caps || e.Exec.SetUID {
			t.Errorf("%+v", e.Exec)
		}
	})
	t.Run("neither", func(t *testing.T) {
		prog := tiny(t, filepath.Join(dir, "plain"))
		cmd := exec.Command(prog)
		cmd.SysProcAttr = nobody
		pid := start(t, cmd)
		e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Process.Exe == prog })
		if e.Exec.Caps || e.Exec.SetUID {
			t.Errorf("%+v", e.Exec)
		}
		if p, is := w.wait(event.Privilege, pid, func(e event.Event) bool { return e.Priv.Call == "unexplained" }, 0); is {
			t.Errorf("giving up power was taken for a gain: %+v", p.Priv)
		}
	})
}

func TestExecThatFails(t *testing.T) {
	w := kernel(t)
	dir := t.TempDir()
	plain := filepath.Join(dir, "data")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, errno := range map[string]syscall.Errno{plain: syscall.EACCES, filepath.Join(dir, "none"): syscall.ENOENT} {
		pid := deed(t, "exec", path)
		e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Exec.Result != 0 })
		if e.Exec.Asked != path || e.Exec.Result != -int32(errno) {
			t.Errorf("%+v", e.Exec)
		}
	}
}

// A number that is used again is somebody else: what the second does is not the first's.
func TestPidsAreUsedAgain(t *testing.T) {
	w := kernel(t)
	dir := t.TempDir()
	first, second := tiny(t, filepath.Join(dir, "first")), tiny(t, filepath.Join(dir, "second"))
	for range 200 {
		pid := start(t, exec.Command(first))
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(itoa(pid-1)), 0); err != nil {
			missing(t, "this kernel does not let a pid be chosen:", err)
		}
		if start(t, exec.Command(second)) != pid {
			continue // somebody else was faster
		}
		a := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Process.Exe == first })
		b := w.find(t, event.Exit, pid, func(e event.Event) bool { return e.Process.Start > a.Process.Start })
		if b.Process.Exe != second {
			t.Errorf("%d ended as %q, and was %q", pid, b.Process.Exe, second)
		}
		return
	}
	missing(t, "no pid came twice in 200 attempts: the machine is busy")
}

func TestExit(t *testing.T) {
	w := kernel(t)
	for _, c := range []struct {
		how          string
		code, signal int32
	}{{"code", 7, 0}, {"signal", 0, 9}} {
		cmd := command("exit", c.how)
		_ = cmd.Run()
		e := w.find(t, event.Exit, cmd.Process.Pid, nil)
		if e.Exit.Code != c.code || e.Exit.Signal != c.signal || e.Exit.Lived <= 0 {
			t.Errorf("%s: %+v", c.how, e.Exit)
		}
	}
}
