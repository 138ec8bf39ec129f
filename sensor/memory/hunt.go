package memory

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// hunt looks for a sign of something, in memory and in what runs now.
func (m *Memory) hunt(ctx context.Context, q *wire.Question, row Row) (uint64, error) {
	wanted, err := sign(q.GetKind(), q.GetSubject())
	if err != nil {
		return 0, err
	}
	remembered, more := m.recall(most(q)/2+1, func(e *event.Event) bool { return wanted.event != nil && wanted.event(e) != "" })
	for i := range remembered {
		e := &remembered[i]
		if err := row(wire.Found{Where: "memory", What: wanted.event(e), At: e.At, PID: e.Process.PID, Event: e}); err != nil {
			return more, err
		}
	}
	rest, err := limited(q, row, func(row Row) error {
		switch q.GetKind() {
		case wire.HuntIP:
			return m.huntSockets(ctx, wanted, row)
		case wire.HuntHash, wire.HuntProcess:
			return m.huntProcesses(ctx, q, row)
		case wire.HuntPackage:
			return m.huntPackages(q.GetSubject(), row)
		}
		return nil
	})
	return more + rest, err
}

// signs tell what an event or a socket has to do with what is hunted: a sentence, "" nothing.
type signs struct {
	event  func(*event.Event) string
	prefix netip.Prefix
}

func sign(kind, subject string) (signs, error) {
	switch kind {
	case wire.HuntIP:
		p, err := prefix(subject)
		if err != nil {
			return signs{}, err
		}
		return signs{prefix: p, event: func(e *event.Event) string { return talked(e, p) }}, nil
	case wire.HuntDomain:
		name := strings.ToLower(strings.TrimSuffix(subject, "."))
		return signs{event: func(e *event.Event) string { return asked(e, name) }}, nil
	case wire.HuntHash:
		return signs{event: func(e *event.Event) string {
			if e.Exec != nil && e.Exec.SHA256 != "" && strings.EqualFold(e.Exec.SHA256, subject) {
				return e.Process.Exe + " was started"
			}
			return ""
		}}, nil
	case wire.HuntProcess:
		return signs{event: func(e *event.Event) string {
			if e.Kind == event.Exec && runs(subject, e.Process.Exe, e.Process.Comm) {
				return e.Process.Exe + " was started"
			}
			return ""
		}}, nil
	case wire.HuntPackage:
		return signs{}, nil
	}
	return signs{}, ErrUnknown
}

func prefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is neither an address nor a network", text)
	}
	return p.Masked(), nil
}

func talked(e *event.Event, p netip.Prefix) string {
	if e.Net != nil && e.Net.Remote.IsValid() && p.Contains(e.Net.Remote.Addr().Unmap()) {
		return fmt.Sprintf("%s: %s %s", e.Process.Exe, e.Kind, e.Net.Remote)
	}
	if e.DNS != nil {
		for _, a := range e.DNS.Addrs {
			if p.Contains(a.Unmap()) {
				return fmt.Sprintf("%s resolved to %s", e.DNS.Name, a)
			}
		}
	}
	return ""
}

func asked(e *event.Event, name string) string {
	var names []string
	if e.DNS != nil {
		names = append(append(names, e.DNS.Name), e.DNS.Aliases...)
	}
	if e.Net != nil {
		names = append(names, e.Net.Name)
	}
	for _, n := range names {
		n = strings.ToLower(n)
		if n == name || strings.HasSuffix(n, "."+name) {
			return fmt.Sprintf("%s: %s %s", e.Process.Exe, e.Kind, n)
		}
	}
	return ""
}

// runs says whether a program is meant: by its path, its file's name, or with * for any.
func runs(subject, exe, comm string) bool {
	if ok, err := filepath.Match(subject, filepath.Base(exe)); err == nil && ok {
		return true
	}
	ok, err := filepath.Match(subject, exe)
	return subject == comm || err == nil && ok
}

func (m *Memory) huntSockets(ctx context.Context, s signs, row Row) error {
	return m.sockets(ctx, false, func(r any) error {
		k, ok := r.(wire.Socket)
		if !ok || !k.Remote.IsValid() || !s.prefix.Contains(k.Remote.Addr().Unmap()) {
			return nil
		}
		return row(wire.Found{Where: "socket", What: fmt.Sprintf("%s: %s %s %s", k.Program, k.Proto, k.State, k.Remote), PID: k.PID, At: time.Now().UTC()})
	})
}

// huntProcesses looks at what runs. What cannot be hashed makes the answer not whole.
func (m *Memory) huntProcesses(ctx context.Context, q *wire.Question, row Row) error {
	exes, err := filepath.Glob(filepath.Join(m.o.Proc, "[0-9]*", "exe"))
	if err != nil {
		return err
	}
	unread := 0
	for _, exe := range exes {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pid, _ := pidOf(filepath.Dir(exe))
		p, ok := m.process(pid)
		if !ok || p.Exe == "" { // gone, or a thread of the kernel
			continue
		}
		fits := q.GetKind() == wire.HuntProcess && runs(q.GetSubject(), p.Exe, p.Comm)
		if q.GetKind() == wire.HuntHash {
			got, err := m.hashes.of(ctx, exe)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				unread++
			}
			fits = got != "" && strings.EqualFold(got, q.GetSubject())
		}
		if !fits {
			continue
		}
		if err := row(wire.Found{Where: "process", What: fmt.Sprintf("%s runs as process %d", p.Exe, p.PID), PID: p.PID, At: time.Now().UTC()}); err != nil {
			return err
		}
	}
	if unread > 0 {
		return fmt.Errorf("%s could not be hashed", count(unread, "program"))
	}
	return nil
}

// huntPackages looks into the databases of dpkg and apk. A host with another one says so: no row
// would read as if the package were not there.
func (m *Memory) huntPackages(name string, row Row) error {
	read := 0
	for path, fields := range map[string][2]string{"var/lib/dpkg/status": {"Package: ", "Version: "}, "lib/apk/db/installed": {"P:", "V:"}} {
		f, err := os.Open(filepath.Join(m.o.Root, path))
		if err != nil {
			continue
		}
		read++
		err = packages(f, fields, func(pkg, version string) error {
			if ok, _ := filepath.Match(name, pkg); !ok { // what is no pattern fits nothing
				return nil
			}
			return row(wire.Found{Where: "package", What: strings.TrimSpace(pkg + " " + version)})
		})
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	if read == 0 {
		return errors.New("this host's packages are in none of the databases that are known here: dpkg, apk")
	}
	return nil
}

func packages(f *os.File, fields [2]string, each func(name, version string) error) error {
	var pkg, version string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for more := true; more; {
		more = lines.Scan()
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, fields[0]); ok {
			pkg = v
		} else if v, ok := strings.CutPrefix(line, fields[1]); ok {
			version = v
		}
		if (line == "" || !more) && pkg != "" {
			if err := each(pkg, version); err != nil {
				return err
			}
			pkg, version = "", ""
		}
	}
	return lines.Err()
}
