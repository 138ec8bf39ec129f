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

// The test binary plays a host's first process, and the sensor in a pod there: run with one of
// these variables it is that, with the folder of that name as the root of the pod's container.
const asHost, asPod = "TOCSIN_TEST_HOST", "TOCSIN_TEST_POD"

func TestMain(m *testing.M) {
	for part, play := range map[string]func(root string) error{asHost: beHost, asPod: bePod} {
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

// A pod with hostPID finds the host's disk behind process 1; nothing has to be mounted.
func TestAPodSeesTheHostsDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may go into another root")
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), asHost+"="+root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("no processes and mounts of its own are to be had here: %v: %s", err, out)
	}
	if got := string(out); got != "/proc/1/root, true, <nil>\n" {
		t.Error(got)
	}
}
