package sigma

import (
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// views are all records that events are seen as. Names of categories and fields are those
// of Sigma's taxonomy and of Sysmon for Linux where they have one for it; every view also
// has the sensor's own names (own.go), and the last one nothing else.
var views = []view{
	{source: sysmon("process_creation"), kinds: kinds(event.Exec), when: started, extra: own, table: join(process, creation)},
	{source: sysmon("process_termination"), kinds: kinds(event.Exit), extra: own, table: join(eventID("5"), process)},
	{source: sysmon("network_connection"), kinds: kinds(event.Connect, event.Accept), extra: own, table: join(eventID("3"), process, connection)},
	{source: sysmon("dns_query"), kinds: kinds(event.DNS), extra: own, table: join(eventID("22"), process, query)},
	{source: LogSource{Category: "dns", Product: "linux"}, kinds: kinds(event.DNS), extra: own, table: join(process, query), strict: true},
	{source: sysmon("file_event"), kinds: kinds(event.File), when: made, extra: own, table: join(eventID("11"), process, file)},
	{source: sysmon("file_delete"), kinds: kinds(event.File), when: removed, extra: own, table: join(eventID("23"), process, file)},
	{source: sysmon("file_rename"), kinds: kinds(event.File), when: renamed, extra: own, table: join(process, file)},
	{source: sysmon("driver_load"), kinds: kinds(event.Module), extra: own, table: join(eventID("6"), process, driver)},
	{source: sysmon("process_access"), kinds: kinds(event.Ptrace, event.MemWrite), extra: own, table: join(eventID("10"), process, access)},

	auditd("SYSCALL", nil, syscalls, event.Exec, event.Connect, event.Accept, event.Bind, event.Listen, event.File, event.Privilege,
		event.Ptrace, event.MemWrite, event.Module, event.BPF, event.Memfd, event.Namespace, event.Mount),
	auditd("EXECVE", nil, execve, event.Exec),
	auditd("PROCTITLE", nil, proctitle, event.Exec),
	auditd("CWD", nil, cwd, event.Exec, event.File),
	auditd("PATH", nil, execPath, event.Exec),
	auditd("PATH", nil, filePath, event.File),
	auditd("PATH", renamed, oldPath, event.File),
	auditd("SOCKADDR", nil, sockaddr, event.Connect, event.Accept, event.Bind),

	{source: LogSource{Product: "linux", Service: "tocsin"}, kinds: event.Kinds(), extra: own, table: ownTable(), strict: true},
}

func sysmon(category string) LogSource {
	return LogSource{Category: category, Product: "linux", Service: "sysmon"}
}

func kinds(k ...event.Kind) []event.Kind { return k }

func join(tables ...[]column) []column {
	var all []column
	for _, t := range tables {
		all = append(all, t...)
	}
	return all
}

func eventID(id string) []column { return []column{fixed("EventID", id)} }

func started(e *event.Event) bool { return e.Exec == nil || e.Exec.Result == 0 }

func fileOp(e *event.Event) string {
	if e.File == nil || e.File.Result < 0 {
		return ""
	}
	return e.File.Op
}

func made(e *event.Event) bool {
	switch fileOp(e) {
	case "open", "create", "rename", "link", "symlink":
		return true
	}
	return false
}

func removed(e *event.Event) bool { return fileOp(e) == "remove" }
func renamed(e *event.Event) bool { return fileOp(e) == "rename" }

// process is who did it, in the names of Sysmon.
var process = []column{
	also("UtcTime", func(e *event.Event) Value { return Moment(e.At) }),
	also("Computer", host), also("ComputerName", host), also("Hostname", host),
	col("Image", func(e *event.Event) Value { return some(e.Process.Exe) }),
	col("CommandLine", func(e *event.Event) Value { return line(e.Process.Args) }),
	col("CurrentDirectory", func(e *event.Event) Value { return some(e.Process.Dir) }),
	col("User", func(e *event.Event) Value { return user(&e.Process) }),
	also("LogonId", func(e *event.Event) Value { return Uint(uint64(e.Process.UID)) }),
	also("ProcessId", func(e *event.Event) Value { return pid(e.Process.PID) }),
	col("ParentImage", func(e *event.Event) Value { return some(e.Parent.Exe) }),
	col("ParentCommandLine", func(e *event.Event) Value { return line(e.Parent.Args) }),
	also("ParentProcessId", func(e *event.Event) Value { return pid(e.Parent.PID) }),
	also("ParentUser", func(e *event.Event) Value {
		if e.Parent.PID == 0 {
			return Value{}
		}
		return user(&e.Parent)
	}),
}

func host(e *event.Event) Value { return some(e.Host) }

func line(args []string) Value {
	if len(args) == 0 {
		return Value{}
	}
	return Words(args)
}

func pid(n uint32) Value {
	if n == 0 {
		return Value{}
	}
	return Uint(uint64(n))
}

// user is the name of the account, or its number where the sensor could not look it up.
func user(p *event.Process) Value {
	switch {
	case p.User != "" || p.PID == 0:
		return some(p.User)
	case p.UID == 0:
		return Text("root")
	}
	return Uint(uint64(p.UID))
}

var creation = join(eventID("1"), []column{
	also("md5", exec(func(x *event.ExecOf) Value { return some(x.MD5) })),
	also("sha1", exec(func(x *event.ExecOf) Value { return some(x.SHA1) })),
	also("sha256", exec(func(x *event.ExecOf) Value { return some(x.SHA256) })),
	col("Hashes", exec(hashes)),
})

func exec(of func(*event.ExecOf) Value) getter {
	return func(e *event.Event) Value {
		if e.Exec == nil {
			return Value{}
		}
		return of(e.Exec)
	}
}

// hashes are written as Sysmon does: MD5=…,SHA256=….
func hashes(x *event.ExecOf) Value {
	var parts []string
	for _, h := range [...]struct{ name, value string }{{"MD5", x.MD5}, {"SHA1", x.SHA1}, {"SHA256", x.SHA256}} {
		if h.value != "" {
			parts = append(parts, h.name+"="+h.value)
		}
	}
	return some(strings.Join(parts, ","))
}

// connection is a connection that was made or came in: the source is who asked for it.
var connection = []column{
	col("Protocol", network(func(n *event.NetOf) Value { return some(n.Proto) })),
	col("Initiated", func(e *event.Event) Value { return Bool(e.Kind == event.Connect) }),
	col("SourceIp", func(e *event.Event) Value { return end(e, e.Kind == event.Accept, false) }),
	col("SourcePort", func(e *event.Event) Value { return end(e, e.Kind == event.Accept, true) }),
	col("DestinationIp", func(e *event.Event) Value { return end(e, e.Kind == event.Connect, false) }),
	col("DestinationPort", func(e *event.Event) Value { return end(e, e.Kind == event.Connect, true) }),
	col("DestinationHostname", network(func(n *event.NetOf) Value { return some(n.Name) })),
	also("SourceHostname", host),
}

func network(of func(*event.NetOf) Value) getter {
	return func(e *event.Event) Value {
		if e.Net == nil {
			return Value{}
		}
		return of(e.Net)
	}
}

// end is the address or port of one end of a connection.
func end(e *event.Event, remote, port bool) Value {
	if e.Net == nil {
		return Value{}
	}
	at := e.Net.Local
	if remote {
		at = e.Net.Remote
	}
	switch {
	case !at.IsValid():
		return Value{}
	case port:
		return Uint(uint64(at.Port()))
	}
	return Addr(at.Addr())
}

var query = []column{
	col("QueryName", dns(func(d *event.DNSOf) Value { return some(d.Name) })),
	also("query", dns(func(d *event.DNSOf) Value { return some(d.Name) })),
	col("QueryType", dns(func(d *event.DNSOf) Value { return some(d.Type) })),
	also("record_type", dns(func(d *event.DNSOf) Value { return some(d.Type) })),
	col("QueryStatus", dns(func(d *event.DNSOf) Value {
		if !d.Answer {
			return Value{}
		}
		return Int(int64(d.Code))
	})),
	col("QueryResults", dns(answers)), also("answer", dns(answers)),
}

func dns(of func(*event.DNSOf) Value) getter {
	return func(e *event.Event) Value {
		if e.DNS == nil {
			return Value{}
		}
		return of(e.DNS)
	}
}

func answers(d *event.DNSOf) Value {
	if len(d.Addrs)+len(d.Aliases) == 0 {
		return Value{}
	}
	list := make([]Value, 0, len(d.Addrs)+len(d.Aliases))
	for _, a := range d.Addrs {
		list = append(list, Addr(a))
	}
	for _, a := range d.Aliases {
		list = append(list, Text(a))
	}
	return List(list)
}

// file is what became of a file; what a rename or link made is the target.
var file = []column{
	col("TargetFilename", files(func(f *event.FileOf) Value {
		if f.To != "" {
			return Text(f.To)
		}
		return some(f.Path)
	})),
	col("SourceFilename", files(func(f *event.FileOf) Value {
		if f.To == "" {
			return Value{}
		}
		return some(f.Path)
	})),
}

func files(of func(*event.FileOf) Value) getter {
	return func(e *event.Event) Value {
		if e.File == nil {
			return Value{}
		}
		return of(e.File)
	}
}

var driver = []column{col("ImageLoaded", system(func(s *event.SystemOf) Value {
	if s.Source != "" {
		return Text(s.Source)
	}
	return some(s.Name)
}))}

var access = []column{
	also("SourceImage", func(e *event.Event) Value { return some(e.Process.Exe) }),
	also("SourceUser", func(e *event.Event) Value { return user(&e.Process) }),
	also("SourceProcessId", func(e *event.Event) Value { return pid(e.Process.PID) }),
	col("TargetImage", system(func(s *event.SystemOf) Value { return some(s.Target.Exe) })),
	col("TargetUser", system(func(s *event.SystemOf) Value { return user(&s.Target) })),
	also("TargetProcessId", system(func(s *event.SystemOf) Value { return pid(s.Target.PID) })),
}

func system(of func(*event.SystemOf) Value) getter {
	return func(e *event.Event) Value {
		if e.Sys == nil {
			return Value{}
		}
		return of(e.Sys)
	}
}
