package memory

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// The states of proc_net_tcp(5), include/net/tcp_states.h.
var states = map[string]string{"01": "established", "02": "syn_sent", "03": "syn_recv", "04": "fin_wait1", "05": "fin_wait2",
	"06": "time_wait", "07": "close", "08": "close_wait", "09": "last_ack", "0A": "listen", "0B": "closing"}

// sockets tells of connections, or of listeners, in the agent's network namespace.
func (m *Memory) sockets(ctx context.Context, listeners bool, row Row) error {
	owners := m.owners(ctx)
	for _, proto := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile(filepath.Join(m.o.Proc, "net", proto))
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range bytes.Lines(b) {
			s, ok := readSocket(strings.TrimSuffix(proto, "6"), string(line))
			if !ok || listeners != (s.State == "listen") || s.State == "time_wait" { // a connection that is over
				continue
			}
			if o, ok := owners[s.Inode]; ok {
				s.PID, s.Program = o.pid, o.program
			}
			if err := row(s); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// readSocket reads a line. A datagram socket without a peer listens, as far as people care.
func readSocket(proto, line string) (s wire.Socket, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return s, false
	}
	local, ok1 := address(f[1])
	remote, ok2 := address(f[2])
	state, ok3 := states[f[3]]
	if !ok1 || !ok2 || !ok3 {
		return s, false
	}
	s = wire.Socket{Proto: proto, Local: local, State: state}
	s.Inode, _ = strconv.ParseUint(f[9], 10, 64)
	if remote.Port() != 0 {
		s.Remote = remote
	}
	if proto == "udp" && state == "close" {
		s.State = "listen"
	}
	return s, true
}

// address reads 0100007F:1F90; each word of 32 bits stands in the byte order of the machine.
func address(text string) (netip.AddrPort, bool) {
	at, port, ok := strings.Cut(text, ":")
	b, err := hex.DecodeString(at)
	n, bad := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || bad != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}

type owner struct {
	pid     uint32
	program string
}

// owners are the processes that have a socket open, by its inode.
func (m *Memory) owners(ctx context.Context) map[uint64]owner {
	all := map[uint64]owner{}
	entries, _ := os.ReadDir(m.o.Proc)
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || ctx.Err() != nil {
			continue
		}
		dir := filepath.Join(m.o.Proc, e.Name())
		fds, _ := os.ReadDir(filepath.Join(dir, "fd"))
		program := ""
		for _, fd := range fds {
			to, _ := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
			text, ok := strings.CutPrefix(to, "socket:[")
			if !ok {
				continue
			}
			if program == "" {
				program, _ = os.Readlink(filepath.Join(dir, "exe"))
			}
			if inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64); err == nil {
				all[inode] = owner{uint32(pid), program}
			}
		}
	}
	return all
}
