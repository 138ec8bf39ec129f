package emulation

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// tools are the programs that the test binary plays, by name. Each does what the program of that name is
// used for in the table, and knows no other options.
var tools map[string]func(args []string) error

func init() {
	tools = map[string]func([]string) error{
		"curl": curl, "nc": nc, "nginx": nginx, "dig": dig, "rclone": rclone, "hydra": hydra, "xmrig": xmrig, "chisel": chisel, "tcpdump": tcpdump,
		"exploit": exploit, "inject": inject, "poke": poke, "kit": kit, "insmod": insmod, "nft": nft,
	}
}

// exploit gives up root and takes it back, as a hole in the kernel would.
func exploit([]string) error {
	runtime.LockOSThread()
	if err := unix.Setresuid(65534, 65534, 0); err != nil {
		return err
	}
	if err := unix.Setresuid(0, 0, 0); err != nil {
		return err
	}
	return exec.Command("/usr/bin/id").Run()
}

func inject(args []string) error {
	runtime.LockOSThread()
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if err := unix.PtraceAttach(pid); err != nil {
		return err
	}
	if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
		return err
	}
	return unix.PtraceDetach(pid)
}

// poke writes what is there already.
func poke(args []string) error {
	maps, err := os.ReadFile("/proc/" + args[0] + "/maps")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(maps) {
		var from int64
		if _, err := fmt.Sscanf(string(line), "%x-", &from); err != nil || !bytes.Contains(line, []byte("[stack]")) {
			continue
		}
		f, err := os.OpenFile("/proc/"+args[0]+"/mem", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		b := make([]byte, 8)
		if _, err := f.ReadAt(b, from); err != nil {
			return err
		}
		_, err = f.WriteAt(b, from)
		return err
	}
	return errors.New("it has no stack")
}

func kit([]string) error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	if err != nil {
		return err
	}
	return p.Close()
}

func insmod(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if unix.FinitModule(int(f.Fd()), "", 0) == nil {
		return errors.New("the kernel took what is no module")
	}
	return nil
}

// nft empties the rules of the stage's network. A kernel without nftables has none.
func nft([]string) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	c.FlushRuleset()
	if err := c.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return nil
}
