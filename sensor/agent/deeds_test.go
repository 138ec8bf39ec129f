package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// deeds is what an intruder does, each in a process of its own and harmless.
var deeds = map[string]func(args []string) error{
	"memfd": func(args []string) error {
		prog, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		fd, err := unix.MemfdCreate("kworker", unix.MFD_CLOEXEC)
		if err != nil {
			return err
		}
		if _, err := unix.Write(fd, prog); err != nil {
			return err
		}
		return syscall.Exec("/proc/self/fd/"+itoa(fd), []string{"[kworker/0:1]"}, nil)
	},
	"deleted": func(args []string) error {
		fd, err := unix.Open(args[0], unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := os.Remove(args[0]); err != nil {
			return err
		}
		return syscall.Exec("/proc/self/fd/"+itoa(fd), []string{"x"}, nil)
	},
	"exec": func(args []string) error {
		if syscall.Exec(args[0], args, nil) == nil {
			return errors.New("it ran")
		}
		return nil
	},
	"exit": func(args []string) error {
		for range 4 { // the end of a thread is not the end of the process
			go func() { runtime.LockOSThread() }()
		}
		time.Sleep(10 * time.Millisecond)
		if args[0] == "signal" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Second)
		}
		os.Exit(7)
		return nil
	},
	"mode": func(args []string) error { // of each file, by its path and through its descriptor
		mode, err := strconv.ParseUint(args[0], 8, 32)
		if err != nil {
			return err
		}
		for _, path := range args[1:] {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			if err := errors.Join(unix.Fchmod(int(f.Fd()), uint32(mode)), f.Close(), unix.Chmod(path, uint32(mode))); err != nil {
				return err
			}
		}
		return nil
	},
	"create": func(args []string) error {
		mode, err := strconv.ParseUint(args[1], 8, 32)
		if err != nil {
			return err
		}
		fd, err := unix.Open(args[0], unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, uint32(mode))
		if err != nil {
			return err
		}
		return unix.Close(fd)
	},
	"rename": func(args []string) error { return os.Rename(args[0], args[1]) },
	"setresuid": func([]string) error {
		if err := unix.Setresuid(65534, 65534, 0); err != nil {
			return err
		}
		return unix.Setresuid(0, 0, 0)
	},
	"ptrace": func(args []string) error {
		runtime.LockOSThread()
		pid, _ := strconv.Atoi(args[0])
		if err := unix.PtraceSeize(pid); err != nil {
			return err
		}
		return nil
	},
	"vm_write": func(args []string) error {
		pid, _ := strconv.Atoi(args[0])
		b := []byte("x")
		local := []unix.Iovec{{Base: &b[0], Len: 1}}
		_, err := unix.ProcessVMWritev(pid, local, []unix.RemoteIovec{{Base: 0x10, Len: 1}}, 0)
		if !errors.Is(err, unix.EFAULT) { // that address is nobody's
			return fmt.Errorf("written? %w", err)
		}
		return nil
	},
	"proc_mem": func(args []string) error {
		f, err := os.OpenFile("/proc/"+args[0]+"/mem", os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return f.Close()
	},
	"bpf": func([]string) error {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "innocent", Type: ebpf.SocketFilter, License: "MIT",
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
		if err != nil {
			return err
		}
		return p.Close()
	},
	"unshare": func([]string) error {
		runtime.LockOSThread()
		return unix.Unshare(unix.CLONE_NEWNS)
	},
	"setns": func([]string) error {
		runtime.LockOSThread()
		fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return unix.Setns(fd, unix.CLONE_NEWNET)
	},
	"mount": func(args []string) error {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		return unix.Mount("loot", args[0], "tmpfs", unix.MS_NOEXEC, "")
	},
	"module": func(args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		if unix.FinitModule(int(f.Fd()), "", 0) == nil {
			return errors.New("a text was loaded into the kernel")
		}
		return nil
	},
	"connect": func(args []string) error {
		c, err := net.DialTimeout(args[0], args[1], time.Second)
		if err == nil {
			_ = c.Close()
		}
		return nil
	},
	"datagrams": func(args []string) error {
		c, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		to, err := net.ResolveUDPAddr("udp", args[0])
		if err != nil {
			return err
		}
		for range 5 {
			if _, err := c.WriteTo([]byte("x"), to); err != nil {
				return err
			}
		}
		return c.Close()
	},
	"serve": func([]string) error {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() {
			if c, err := net.Dial("tcp4", l.Addr().String()); err == nil {
				_ = c.Close()
			}
		}()
		c, err := l.Accept()
		if err != nil {
			return err
		}
		return c.Close()
	},
	"ask": func(args []string) error { // a name of a server, then connects to what it said
		q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{{
			Name: dnsmessage.MustNewName("C2.Evil.Example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
		b, err := q.Pack()
		if err != nil {
			return err
		}
		c, err := net.Dial("udp", args[0])
		if err != nil {
			return err
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := c.Read(make([]byte, 512)); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
		return deedConnect(args[1])
	},
	"files": func(args []string) error {
		dir := args[0]
		if err := os.Chdir(dir); err != nil {
			return err
		}
		d, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		return errors.Join(
			os.WriteFile("one", []byte("1"), 0o600),         // create, relative
			os.WriteFile(dir+"/one", []byte("2"), 0o600),    // open
			os.Rename("one", dir+"/two"),                    // rename
			unix.Linkat(d, "two", d, "three", 0),            // link below a folder
			os.Symlink("/etc/shadow", dir+"/four"),          // symlink
			unix.Chmod(dir+"/../"+base(dir)+"/two", 0o755),  // mode, with dots
			os.Remove("three"), unix.Unlinkat(d, "four", 0), // remove
			os.WriteFile("authorized_keys", nil, 0o600), // by its name
			os.Remove(dir+"/./two"), os.Remove("authorized_keys"),
		)
	},
	"read": func(args []string) error {
		_, err := os.ReadFile(args[0])
		return err
	},
	"ring": ring,
	"sleep": func([]string) error {
		time.Sleep(5 * time.Second)
		return nil
	},
}

func deedConnect(to string) error {
	if c, err := net.DialTimeout("tcp", to, time.Second); err == nil {
		_ = c.Close()
	}
	return nil
}

func base(dir string) string {
	for i := len(dir) - 1; i >= 0; i-- {
		if dir[i] == '/' {
			return dir[i+1:]
		}
	}
	return dir
}

// ring does one thing by io_uring: connects to an address, or opens a file for writing.
// The layouts are those of include/uapi/linux/io_uring.h.
func ring(args []string) error {
	var params [120]byte
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return errno
	}
	u32 := func(b []byte, at int) *uint32 { return (*uint32)(unsafe.Pointer(&b[at])) }
	sq, err := unix.Mmap(int(fd), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return err
	}
	sqes, err := unix.Mmap(int(fd), 0x10000000, 4*64, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return err
	}
	tail, array := int(*u32(params[:], 44)), int(*u32(params[:], 64))
	path := append([]byte(args[1]), 0)
	var addr unix.RawSockaddrInet4
	switch args[0] {
	case "open":
		sqes[0] = 18 // IORING_OP_OPENAT
		at := int32(unix.AT_FDCWD)
		*u32(sqes, 4) = uint32(at)
		*(*uint64)(unsafe.Pointer(&sqes[16])) = uint64(uintptr(unsafe.Pointer(&path[0])))
		*u32(sqes, 24) = 0o600
		*u32(sqes, 28) = unix.O_CREAT | unix.O_WRONLY
	case "connect":
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		port, _ := strconv.Atoi(args[1])
		addr = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: uint16(port>>8 | port<<8), Addr: [4]byte{127, 0, 0, 1}}
		sqes[0] = 16 // IORING_OP_CONNECT
		*u32(sqes, 4) = uint32(s)
		*(*uint64)(unsafe.Pointer(&sqes[16])) = uint64(uintptr(unsafe.Pointer(&addr)))
		*(*uint64)(unsafe.Pointer(&sqes[8])) = uint64(unsafe.Sizeof(addr))
	}
	*u32(sq, array) = 0
	*u32(sq, tail)++
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, fd, 1, 1, 1, 0, 0); errno != 0 {
		return errno
	}
	runtime.KeepAlive(&addr)
	runtime.KeepAlive(path)
	return nil
}
