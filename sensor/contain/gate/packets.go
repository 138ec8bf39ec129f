package gate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mostNamed is how many packet sockets are named one by one.
const mostNamed = 16

// packetSockets names who has a socket through which frames might go past the gate: one that
// asked for PACKET_QDISC_BYPASS before the host was held still has it, and the kernel does
// not say which did. It looks at the network namespace of the agent.
func packetSockets() (gaps []string) {
	text, err := os.ReadFile("/proc/thread-self/net/packet")
	if err != nil {
		return []string{fmt.Sprintf("packet sockets cannot be listed: %v", err)}
	}
	open := map[string]bool{} // as a link in /proc/<pid>/fd shows it
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 9 && f[0] != "sk" {
			open["socket:["+f[8]+"]"] = true
		}
	}
	if len(open) == 0 {
		return nil
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err != nil || !open[to] {
			continue
		}
		delete(open, to)
		if len(gaps) == mostNamed {
			return append(gaps, "more packet sockets are open")
		}
		pid := strings.Split(fd, "/")[2]
		comm, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
		gaps = append(gaps, fmt.Sprintf("process %s (%s) has a packet socket; opened before the isolation, it could send past it", pid, strings.TrimSpace(string(comm))))
	}
	return gaps
}
