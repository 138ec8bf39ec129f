package bpf

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// ErrMalformed means that a record does not add up. It comes from our own programs, so
// this is a fault of ours or of the machine, and it is counted, never fatal.
var ErrMalformed = errors.New("malformed record")

// enum flag in C
const (
	flagCutArgs = 1 << iota
	flagCutPath
	flagSetUID
	flagCaps
	flagDeleted
	flagMemfd
	flagCompat
	flagIOUring
	flagUnclean
	flagAnswer
	flagTCP
	flagWrite
	flagCreated
	flagNoOwner
)

// record is every type that comes out of the rings.
type record interface {
	eyesHead | eyesExec | eyesExit | eyesNet | eyesDns | eyesFileOp | eyesPriv | eyesCall
}

// as reads the fixed part of a record and returns what follows it. The generated types
// have the layout of the C ones and hold nothing but numbers, so any bytes are a value.
func as[T record](b []byte) (*T, []byte, error) {
	var v T
	size := int(unsafe.Sizeof(v))
	if len(b) < size {
		return nil, nil, fmt.Errorf("%w: %d bytes of %d", ErrMalformed, len(b), size)
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), size), b) //nolint:gosec // bounds are checked above; a copy, so alignment does not matter
	return &v, b[size:], nil
}

// Decode makes an event of a record. boot is when the host was started, by its present
// clock. Every length is held against what is there; ErrMalformed when it is not.
func Decode(b []byte, boot time.Time) (event.Event, error) {
	h, _, err := as[eyesHead](b)
	if err != nil {
		return event.Event{}, err
	}
	if int64(h.At) < 0 {
		return event.Event{}, fmt.Errorf("%w: time %d", ErrMalformed, h.At)
	}
	e := event.Event{Kind: event.Kind(h.Kind), At: boot.Add(time.Duration(h.At)).UTC(), CPU: h.Cpu, Seq: h.Seq,
		Process: event.Process{Key: event.Key{PID: h.Tgid, Start: h.Start}, Comm: text(h.Comm[:]),
			UID: h.Uid, EUID: h.Euid, GID: h.Gid, Login: h.Login},
		Parent:    event.Process{Key: event.Key{PID: h.Ppid, Start: h.Pstart}},
		Container: event.Container{Cgroup: h.Cgroup}}
	switch e.Kind {
	case event.Exec:
		return e, program(&e, b)
	case event.Exit:
		return e, ending(&e, b)
	case event.Connect, event.Accept, event.Bind, event.Listen:
		return e, network(&e, b)
	case event.DNS:
		return e, domain(&e, b)
	case event.File:
		return e, file(&e, b)
	case event.Privilege:
		return e, privilege(&e, b)
	case event.Ptrace, event.MemWrite, event.Module, event.BPF, event.Memfd, event.Namespace, event.Mount:
		return e, system(&e, b)
	}
	return e, fmt.Errorf("%w: kind %d", ErrMalformed, h.Kind)
}

// text is what stands before the first zero.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// cut takes n bytes off s, without the zero at their end.
func cut(s *string, n uint16) (string, error) {
	if int(n) > len(*s) {
		return "", fmt.Errorf("%w: %d bytes of text where %d are", ErrMalformed, n, len(*s))
	}
	part := (*s)[:n]
	*s = (*s)[n:]
	return strings.TrimSuffix(part, "\x00"), nil
}

func program(e *event.Event, b []byte) error {
	x, rest, err := as[eyesExec](b)
	if err != nil {
		return err
	}
	s := string(rest) // one copy, of which all else are parts
	flags := x.Head.Flags
	e.Exec = &event.ExecOf{Result: x.Result, Inode: x.Inode, CTime: x.Ctime, SetUID: flags&flagSetUID != 0, Caps: flags&flagCaps != 0,
		Deleted: flags&flagDeleted != 0, Memfd: flags&flagMemfd != 0, UIDWas: x.UidWas, EUIDWas: x.EuidWas}
	var args string
	for _, part := range []struct {
		to *string
		n  uint16
	}{{&e.Process.Exe, x.Exe}, {&e.Exec.Asked, x.Asked}, {&args, x.Args}, {&e.Process.Dir, x.Dir}} {
		if *part.to, err = cut(&s, part.n); err != nil {
			return err
		}
	}
	if x.Args > 0 {
		e.Process.Args = strings.Split(args, "\x00")
	}
	e.Process.Cut = flags&flagCutArgs != 0
	e.Process.ArgsLen = x.ArgsLen
	e.Process.TTY = text(x.Tty[:])
	return nil
}

func ending(e *event.Event, b []byte) error {
	x, _, err := as[eyesExit](b)
	if err != nil {
		return err
	}
	lived := time.Duration(0)
	if x.Head.At > x.Head.Start {
		lived = time.Duration(x.Head.At - x.Head.Start)
	}
	// As for wait(2): the signal in the low seven bits, the code above them.
	e.Exit = &event.ExitOf{Code: x.Code >> 8 & 0xff, Signal: x.Code & 0x7f, Lived: lived}
	return nil
}

func network(e *event.Event, b []byte) error {
	x, _, err := as[eyesNet](b)
	if err != nil {
		return err
	}
	e.Net = &event.NetOf{Proto: protocol(x.Proto), Local: addrPort(x.Local, x.LocalPort, x.Family),
		Remote: addrPort(x.Remote, x.RemotePort, x.Family), Result: x.Result}
	return nil
}

func protocol(n uint16) string {
	switch n {
	case 1:
		return "icmp"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 58:
		return "icmp6"
	case 255:
		return "raw"
	case 262:
		return "mptcp"
	}
	return strconv.Itoa(int(n))
}

// addrPort leaves out what is not known: no family, or neither address nor port.
func addrPort(a [16]byte, port, family uint16) netip.AddrPort {
	var addr netip.Addr
	switch family {
	case 4:
		addr = netip.AddrFrom4([4]byte(a[:4]))
	case 6:
		addr = netip.AddrFrom16(a).Unmap()
	default:
		return netip.AddrPort{}
	}
	if addr.IsUnspecified() && port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, port)
}

func file(e *event.Event, b []byte) error {
	x, rest, err := as[eyesFileOp](b)
	if err != nil {
		return err
	}
	s := string(rest)
	e.File = &event.FileOf{Op: opName(x.Head.Call), Flags: x.OpenFlags, Mode: x.Mode, Inode: x.Inode, Result: x.Result}
	if e.File.Path, err = cut(&s, x.Path); err != nil {
		return err
	}
	if e.File.To, err = cut(&s, x.To); err != nil {
		return err
	}
	if strings.HasPrefix(e.File.Path, "/") {
		e.File.Path = path.Clean(e.File.Path)
	}
	if strings.HasPrefix(e.File.To, "/") {
		e.File.To = path.Clean(e.File.To)
	}
	switch {
	case x.Head.Flags&flagIOUring != 0:
		e.File.Via = "io_uring"
	case x.Head.Flags&flagCompat != 0:
		e.File.Via = "compat32"
	}
	return nil
}

func privilege(e *event.Event, b []byte) error {
	x, _, err := as[eyesPriv](b)
	if err != nil {
		return err
	}
	call := callName(x.Head.Call)
	if call == "" {
		call = "unexplained"
	}
	e.Priv = &event.PrivOf{Call: call, UIDWas: x.UidWas, UID: x.Head.Uid, CapsWas: x.CapsWas, Caps: x.Head.Caps,
		EUIDWas: x.EuidWas, EUID: x.Head.Euid}
	return nil
}

func system(e *event.Event, b []byte) error {
	x, rest, err := as[eyesCall](b)
	if err != nil {
		return err
	}
	s := string(rest)
	e.Sys = &event.SystemOf{Call: callName(x.Head.Call), Arg: x.Arg, Result: x.Result,
		Target: event.Process{Key: event.Key{PID: x.Target, Start: x.TargetStart}}}
	if e.Sys.Name, err = cut(&s, x.Name); err != nil {
		return err
	}
	if e.Sys.Source, err = cut(&s, x.Source); err != nil {
		return err
	}
	e.Sys.Name, e.Sys.Source = upToZero(e.Sys.Name), upToZero(e.Sys.Source)
	if e.Kind == event.MemWrite && e.Sys.Target.PID == 0 { // the folder below /proc, by number or "self"
		if n, err := strconv.ParseUint(e.Sys.Name, 10, 32); err == nil {
			e.Sys.Target.PID = uint32(n)
		}
		e.Sys.Name = ""
	}
	return nil
}

func upToZero(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}
