package sigma

import (
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// auditd is a view of events as one type of auditd's records.
// Names of types and fields: https://github.com/linux-audit/audit-documentation
func auditd(kind string, when func(*event.Event) bool, table []column, of ...event.Kind) view {
	v := view{source: LogSource{Product: "linux", Service: "auditd"}, kinds: of, when: when, strict: true,
		table: join([]column{fixed("type", kind)}, table)}
	if kind == "EXECVE" {
		v.extra = func(name string) getter {
			n, ok := argument(name)
			if !ok {
				return nil
			}
			return func(e *event.Event) Value {
				if n >= len(e.Process.Args) {
					return Value{}
				}
				return Text(e.Process.Args[n])
			}
		}
	}
	return v
}

var syscalls = []column{
	col("SYSCALL", func(e *event.Event) Value { return some(call(e)) }),
	col("success", func(e *event.Event) Value {
		if result(e) < 0 {
			return Text("no")
		}
		return Text("yes")
	}),
	col("exit", func(e *event.Event) Value { return Int(int64(result(e))) }),
	col("exe", func(e *event.Event) Value { return some(e.Process.Exe) }),
	col("comm", func(e *event.Event) Value { return some(e.Process.Comm) }),
	col("tty", func(e *event.Event) Value { return some(e.Process.TTY) }),
	also("pid", func(e *event.Event) Value { return pid(e.Process.PID) }),
	also("ppid", func(e *event.Event) Value { return pid(e.Parent.PID) }),
	also("auid", func(e *event.Event) Value { return Uint(uint64(e.Process.Login)) }),
	also("uid", func(e *event.Event) Value { return Uint(uint64(e.Process.UID)) }),
	also("euid", func(e *event.Event) Value { return Uint(uint64(e.Process.EUID)) }),
	also("gid", func(e *event.Event) Value { return Uint(uint64(e.Process.GID)) }),
	col("UID", func(e *event.Event) Value { return user(&e.Process) }), // the name, as ausearch -i adds it
}

var fileCalls = map[string]string{"open": "openat", "create": "openat", "rename": "rename", "link": "link", "symlink": "symlink",
	"remove": "unlink", "mode": "chmod"}

// call is the name of the system call, where one name can be said.
func call(e *event.Event) string {
	switch {
	case e.Kind == event.Exec:
		return "execve"
	case e.Net != nil:
		return e.Kind.String() // connect, accept, bind and listen are called what they are
	case e.File != nil:
		return fileCalls[e.File.Op]
	case e.Priv != nil:
		return e.Priv.Call
	case e.Sys != nil:
		return e.Sys.Call
	}
	return ""
}

func result(e *event.Event) int32 {
	switch {
	case e.Exec != nil:
		return e.Exec.Result
	case e.Net != nil:
		return e.Net.Result
	case e.File != nil:
		return e.File.Result
	case e.Sys != nil:
		return e.Sys.Result
	}
	return 0
}

var execve = []column{
	also("argc", func(e *event.Event) Value { return Int(int64(len(e.Process.Args))) }),
	col("", func(e *event.Event) Value { return line(e.Process.Args) }),
}

var proctitle = []column{col("proctitle", func(e *event.Event) Value { return line(e.Process.Args) })}

var cwd = []column{col("cwd", func(e *event.Event) Value { return some(e.Process.Dir) })}

var execPath = []column{
	col("name", func(e *event.Event) Value {
		if e.Exec != nil && e.Exec.Asked != "" {
			return Text(e.Exec.Asked)
		}
		return some(e.Process.Exe)
	}),
	fixed("nametype", "NORMAL"),
	also("inode", exec(func(x *event.ExecOf) Value { return inode(x.Inode) })),
}

var filePath = []column{
	col("name", files(func(f *event.FileOf) Value {
		if f.To != "" {
			return Text(f.To)
		}
		return some(f.Path)
	})),
	col("nametype", files(func(f *event.FileOf) Value {
		switch f.Op {
		case "create", "rename", "link", "symlink":
			return Text("CREATE")
		case "remove":
			return Text("DELETE")
		}
		return Text("NORMAL")
	})),
	also("inode", files(func(f *event.FileOf) Value { return inode(f.Inode) })),
	col("mode", files(func(f *event.FileOf) Value { return octal("0", f.Mode) })),
}

var oldPath = []column{
	col("name", files(func(f *event.FileOf) Value { return some(f.Path) })),
	fixed("nametype", "DELETE"),
}

func inode(n uint64) Value {
	if n == 0 {
		return Value{}
	}
	return Uint(n)
}

// sockaddr is the address a call was given: the other end, or the own one of a bind.
var sockaddr = []column{
	col("saddr_fam", network(func(n *event.NetOf) Value {
		switch {
		case n.Remote.Addr().Unmap().Is4(), n.Local.Addr().Unmap().Is4():
			return Text("inet")
		}
		return Text("inet6")
	})),
	col("laddr", func(e *event.Event) Value { return end(e, e.Kind != event.Bind, false) }),
	col("lport", func(e *event.Event) Value { return end(e, e.Kind != event.Bind, true) }),
}
