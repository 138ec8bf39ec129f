package emulation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// How the test binary knows what it is to be: "stage" or "tool".
const as = "TOCSIN_EMULATION"

// Main makes the test binary what Run and its stage start it as; it returns only where it is to be the test.
func Main() {
	var err error
	switch os.Getenv(as) {
	case "":
		return
	case "stage":
		err = stage(os.Args[1], os.Args[2], os.Args[3])
	default:
		name := filepath.Base(os.Args[0])
		do, ok := tools[name]
		if !ok {
			return // the test binary under its own name
		}
		err = do(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Run carries out a technique, in a cgroup of the folder given, and returns what it printed when it did not
// come off. dir is an empty folder.
func Run(ctx context.Context, t Technique, cgroup, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, t.ID, cgroup, dir)
	cmd.Env = []string{as + "=stage", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", t.ID, err, out)
	}
	return nil
}

// stage prepares the place, goes into the cgroup and lets bash do it.
func stage(id, cgroup, dir string) error {
	var script string
	for _, t := range Techniques() {
		if t.ID == id {
			script = t.script
		}
	}
	if script == "" {
		return errors.New("there is no technique " + id)
	}
	if err := errors.Join(cover(dir), furnish(), network()); err != nil {
		return fmt.Errorf("prepare the stage: %w", err)
	}
	if err := listen(); err != nil {
		return fmt.Errorf("the adversary cannot listen: %w", err)
	}
	if err := os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if _, err := w.WriteString(script + "\n"); err != nil {
		return err
	}
	_ = w.Close()
	cmd := exec.Command("/bin/bash", "/dev/fd/3") // what is typed is in nobody's arguments
	cmd.Env = append(os.Environ(), as+"=tool")
	cmd.ExtraFiles = []*os.File{r}
	cmd.Dir = "/"
	out, err := os.CreateTemp("/tmp", "out") // a pipe would be waited for, whoever holds it
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Run()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left in the background
	if err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// cover puts memory over everything that may be written.
func cover(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to itself: %w", err)
	}
	memory := func(at string) error {
		if err := unix.Mount("tmpfs", at, "tmpfs", 0, "mode=1777"); err != nil {
			return fmt.Errorf("cover %s: %w", at, err)
		}
		return nil
	}
	if err := memory(dir); err != nil {
		return err
	}
	for _, at := range []string{"/etc", "/root", "/var", "/home", "/opt", "/srv", "/usr/local"} {
		up, work := filepath.Join(dir, "up", at), filepath.Join(dir, "work", at)
		if err := errors.Join(os.MkdirAll(up, 0o755), os.MkdirAll(work, 0o755)); err != nil {
			return err
		}
		if err := unix.Mount("overlay", at, "overlay", 0, "lowerdir="+at+",upperdir="+up+",workdir="+work); err != nil {
			return fmt.Errorf("cover %s: %w", at, err)
		}
	}
	for name := range tools {
		at := filepath.Join("/usr/local/bin", name)
		if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(at, nil, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(self, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("play %s: %w", name, err)
		}
	}
	for _, at := range []string{"/tmp", "/run", "/dev"} {
		if err := memory(at); err != nil {
			return err
		}
	}
	return nil
}

// furnish puts there what techniques look for, and the devices that programs need: no disk is among them.
func furnish() error {
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "random": 8, "urandom": 9} {
		if err := unix.Mknod("/dev/"+name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Symlink("/proc/self/fd", "/dev/fd"), os.MkdirAll("/dev/shm", 0o777)); err != nil {
		return err
	}
	for path, text := range map[string]string{
		"/home/alice/.ssh/id_ed25519": "no key", "/home/alice/1.txt": "a letter", "/home/alice/2.txt": "another",
		"/run/secrets/kubernetes.io/serviceaccount/token": "no token",
		"/var/log/auth.log": "a login", "/var/www/html/index.html": "hello",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// network gives loopback every address of the stage, and the networks around them.
func network() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	for _, text := range []string{attacker + "/24", inside + "/16", metadata + "/32"} {
		a, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(lo, a); err != nil {
			return fmt.Errorf("add %s: %w", text, err)
		}
	}
	return netlink.LinkSetUp(lo)
}

// Cgroup makes a group of processes where sensors tell groups apart, and returns its folder and number.
func Cgroup(name string) (dir string, id uint64, err error) {
	root, controller := "/sys/fs/cgroup", ""
	if b, err := os.ReadFile(root + "/cgroup.controllers"); err != nil || len(b) == 0 { // of hosts that have both trees, the old one counts
		root, controller = root+"/memory", "memory"
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", 0, err
	}
	for line := range strings.Lines(string(b)) {
		if part := strings.SplitN(strings.TrimSpace(line), ":", 3); len(part) == 3 && part[1] == controller {
			dir = filepath.Join(root, part[2], name)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", 0, fmt.Errorf("make a cgroup: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", 0, err
	}
	return dir, st.Ino, nil
}
