package sigma

import (
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// own is a field by the sensor's own name, which is its place in the JSON form of an
// event: exec.memfd, process.euid, net.remote.port. nil when there is no such field.
func own(name string) getter {
	if g, ok := ownGetters[name]; ok {
		return g
	}
	if label, ok := strings.CutPrefix(name, "container.labels."); ok {
		return func(e *event.Event) Value { return some(e.Container.Labels[label]) }
	}
	return nil
}

var ownGetters = func() map[string]getter {
	all := map[string]getter{}
	for _, c := range ownTable() {
		all[c.name] = c.get
	}
	return all
}()

func ownTable() []column {
	return join(
		[]column{
			col("kind", func(e *event.Event) Value { return Text(e.Kind.String()) }),
			col("host", host),
			col("at", func(e *event.Event) Value { return Moment(e.At) }),
		},
		ownProcess("process.", func(e *event.Event) *event.Process { return &e.Process }),
		ownProcess("parent.", func(e *event.Event) *event.Process {
			if e.Parent.PID == 0 {
				return nil
			}
			return &e.Parent
		}),
		ownProcess("sys.target.", func(e *event.Event) *event.Process {
			if e.Sys == nil || e.Sys.Target.PID == 0 {
				return nil
			}
			return &e.Sys.Target
		}),
		ownContainer, ownExec, ownNet, ownDNS, ownFile, ownPriv, ownSys)
}

func ownProcess(before string, of func(*event.Event) *event.Process) []column {
	field := func(name string, get func(*event.Process) Value) column {
		return col(before+name, func(e *event.Event) Value {
			p := of(e)
			if p == nil {
				return Value{}
			}
			return get(p)
		})
	}
	return []column{
		field("pid", func(p *event.Process) Value { return pid(p.PID) }),
		field("exe", func(p *event.Process) Value { return some(p.Exe) }),
		field("args", func(p *event.Process) Value { return line(p.Args) }),
		field("argc", func(p *event.Process) Value { return Int(int64(len(p.Args))) }),
		field("cut", func(p *event.Process) Value { return Bool(p.Cut) }),
		field("dir", func(p *event.Process) Value { return some(p.Dir) }),
		field("comm", func(p *event.Process) Value { return some(p.Comm) }),
		field("uid", func(p *event.Process) Value { return Uint(uint64(p.UID)) }),
		field("euid", func(p *event.Process) Value { return Uint(uint64(p.EUID)) }),
		field("gid", func(p *event.Process) Value { return Uint(uint64(p.GID)) }),
		field("login", func(p *event.Process) Value { return Uint(uint64(p.Login)) }),
		field("user", user),
		field("tty", func(p *event.Process) Value { return some(p.TTY) }),
	}
}

var ownContainer = []column{
	col("container.id", func(e *event.Event) Value { return some(e.Container.ID) }),
	col("container.path", func(e *event.Event) Value { return some(e.Container.Path) }),
	col("container.image", func(e *event.Event) Value { return some(e.Container.Image) }),
	col("container.name", func(e *event.Event) Value { return some(e.Container.Name) }),
	col("container.pod", func(e *event.Event) Value { return some(e.Container.Pod) }),
	col("container.pod_uid", func(e *event.Event) Value { return some(e.Container.PodUID) }),
	col("container.namespace", func(e *event.Event) Value { return some(e.Container.Namespace) }),
}

var ownExec = []column{
	col("exec.asked", exec(func(x *event.ExecOf) Value { return some(x.Asked) })),
	col("exec.result", exec(func(x *event.ExecOf) Value { return Int(int64(x.Result)) })),
	col("exec.setuid", exec(func(x *event.ExecOf) Value { return Bool(x.SetUID) })),
	col("exec.caps", exec(func(x *event.ExecOf) Value { return Bool(x.Caps) })),
	col("exec.deleted", exec(func(x *event.ExecOf) Value { return Bool(x.Deleted) })),
	col("exec.memfd", exec(func(x *event.ExecOf) Value { return Bool(x.Memfd) })),
	col("exec.sha256", exec(func(x *event.ExecOf) Value { return some(x.SHA256) })),
	col("exec.sha1", exec(func(x *event.ExecOf) Value { return some(x.SHA1) })),
	col("exec.md5", exec(func(x *event.ExecOf) Value { return some(x.MD5) })),
	col("exit.code", exit(func(x *event.ExitOf) Value { return Int(int64(x.Code)) })),
	col("exit.signal", exit(func(x *event.ExitOf) Value { return Int(int64(x.Signal)) })),
	col("exit.lived", exit(func(x *event.ExitOf) Value { return Float(x.Lived.Seconds()) })), // seconds
}

func exit(of func(*event.ExitOf) Value) getter {
	return func(e *event.Event) Value {
		if e.Exit == nil {
			return Value{}
		}
		return of(e.Exit)
	}
}

var ownNet = []column{
	col("net.proto", network(func(n *event.NetOf) Value { return some(n.Proto) })),
	col("net.local.addr", network(func(n *event.NetOf) Value { return Addr(n.Local.Addr()) })),
	col("net.local.port", network(func(n *event.NetOf) Value { return Uint(uint64(n.Local.Port())) })),
	col("net.remote.addr", network(func(n *event.NetOf) Value { return Addr(n.Remote.Addr()) })),
	col("net.remote.port", network(func(n *event.NetOf) Value { return Uint(uint64(n.Remote.Port())) })),
	col("net.result", network(func(n *event.NetOf) Value { return Int(int64(n.Result)) })),
	col("net.denied", network(func(n *event.NetOf) Value { return Bool(n.Denied) })),
	col("net.name", network(func(n *event.NetOf) Value { return some(n.Name) })),
}

var ownDNS = []column{
	col("dns.server", dns(func(d *event.DNSOf) Value { return Addr(d.Server.Addr()) })),
	col("dns.name", dns(func(d *event.DNSOf) Value { return some(d.Name) })),
	col("dns.type", dns(func(d *event.DNSOf) Value { return some(d.Type) })),
	col("dns.answer", dns(func(d *event.DNSOf) Value { return Bool(d.Answer) })),
	col("dns.code", dns(func(d *event.DNSOf) Value { return Int(int64(d.Code)) })),
	col("dns.answers", dns(answers)),
}

var ownFile = []column{
	col("file.op", files(func(f *event.FileOf) Value { return some(f.Op) })),
	col("file.path", files(func(f *event.FileOf) Value { return some(f.Path) })),
	col("file.to", files(func(f *event.FileOf) Value { return some(f.To) })),
	col("file.flags", files(func(f *event.FileOf) Value { return Uint(uint64(f.Flags)) })),
	col("file.mode", files(func(f *event.FileOf) Value { return octal("", f.Mode&0o7777) })),
	col("file.result", files(func(f *event.FileOf) Value { return Int(int64(f.Result)) })),
	col("file.via", files(func(f *event.FileOf) Value { return some(f.Via) })),
}

var ownPriv = []column{
	col("priv.call", priv(func(p *event.PrivOf) Value { return some(p.Call) })),
	col("priv.uid_was", priv(func(p *event.PrivOf) Value { return Uint(uint64(p.UIDWas)) })),
	col("priv.uid", priv(func(p *event.PrivOf) Value { return Uint(uint64(p.UID)) })),
	col("priv.caps_was", priv(func(p *event.PrivOf) Value { return Uint(p.CapsWas) })),
	col("priv.caps", priv(func(p *event.PrivOf) Value { return Uint(p.Caps) })),
}

func priv(of func(*event.PrivOf) Value) getter {
	return func(e *event.Event) Value {
		if e.Priv == nil {
			return Value{}
		}
		return of(e.Priv)
	}
}

var ownSys = []column{
	col("sys.call", system(func(s *event.SystemOf) Value { return some(s.Call) })),
	col("sys.name", system(func(s *event.SystemOf) Value { return some(s.Name) })),
	col("sys.source", system(func(s *event.SystemOf) Value { return some(s.Source) })),
	col("sys.arg", system(func(s *event.SystemOf) Value { return Uint(s.Arg) })),
	col("sys.result", system(func(s *event.SystemOf) Value { return Int(int64(s.Result)) })),
}
