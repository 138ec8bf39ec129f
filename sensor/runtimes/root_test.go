package runtimes

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary plays a host's first process, the sensor in a pod there, and a sensor that is
// not root: run with one of these variables it is that. The folder of that name is the root of the
// pod's container, or of the host.
const asHost, asPod, asNobody = "TOCSIN_TEST_HOST", "TOCSIN_TEST_POD", "TOCSIN_TEST_NOBODY"

func TestMain(m *testing.M) {
	for part, play := range map[string]func(root string) error{asHost: beHost, asPod: bePod, asNobody: beNobody} {
		if root := os.Getenv(part); root != "" {
			if err := play(root); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func beHost(root string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	if err := unix.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""); err != nil {
		return fmt.Errorf("mount proc: %w", err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stdout = []string{asPod + "=" + root}, os.Stdout
	return cmd.Run()
}

func bePod(root string) error {
	if err := errors.Join(unix.Chroot(root), unix.Chdir("/")); err != nil {
		return err
	}
	d, err := Open(Root())
	if err != nil {
		return err
	}
	b, err := d.read("etc/passwd", 1<<20)
	fmt.Printf("%s, %t, %v\n", Root(), strings.HasPrefix(string(b), "root:"), err)
	return nil
}

func beNobody(root string) error {
	d, err := Open(root)
	if err != nil {
		return err
	}
	n, ok := d.Find(id)
	fmt.Println(os.Geteuid(), ok, n.Name)
	return nil
}

// One of the capabilities that the unit asks for is enough, for somebody who is not root.
func TestWhoIsNotRootReadsItToo(t *testing.T) {
	_, root := disk(t, map[string]string{docker: testdata(t, "docker.json")})
	if err := errors.Join(os.Chmod(filepath.Dir(root), 0o755), os.Chmod(filepath.Join(root, "var/lib/docker"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for want, caps := range map[string][]uintptr{"65534 true web\n": {unix.CAP_DAC_READ_SEARCH}, "65534 false \n": nil} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
		cmd.Env = append(os.Environ(), asNobody+"="+root)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: caps}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("with %v: %v, %s", caps, err, out)
		}
	}
}

// A pod with hostPID finds the host's disk behind process 1; nothing has to be mounted.
func TestAPodSeesTheHostsDisk(t *testing.T) {
	need(t, os.Geteuid() == 0, "only root may go into another root")
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), asHost+"="+root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	out, err := cmd.CombinedOutput()
	need(t, err == nil, "no processes and mounts of its own are to be had here:", err, string(out))
	if got := string(out); got != "/proc/1/root, true, <nil>\n" {
		t.Error(got)
	}
}
