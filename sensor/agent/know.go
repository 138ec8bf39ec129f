package agent

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// know adds what the kernel side does not say: program and arguments of who did it, the
// parent, the container, names.
func (a *Agent) know(e *event.Event) {
	if e.Process.PID == 0 {
		a.name(e)
		return
	}
	var p *known
	if e.Kind == event.Exec && e.Exec.Result == 0 {
		p = a.table.executed(e)
	} else if p = a.table.find(e.Process.Key); p == nil {
		if p = a.table.forked(e); p == nil {
			p = a.look(e.Process.Key)
		}
	}
	if parent := a.table.find(e.Parent.Key); parent != nil {
		e.Parent = parent.Process
	} else if parent := a.look(e.Parent.Key); parent != nil {
		e.Parent = parent.Process
	}
	if p != nil && e.Kind != event.Exec {
		e.Process.Exe, e.Process.Args, e.Process.Cut, e.Process.ArgsLen = p.Exe, p.Args, p.Cut, p.ArgsLen
		e.Process.Dir, e.Process.TTY = p.Dir, p.TTY
		p.UID, p.EUID, p.GID = e.Process.UID, e.Process.EUID, e.Process.GID
	} else if p != nil && e.Exec.Result != 0 {
		e.Process.Exe, e.Process.Dir, e.Process.TTY = p.Exe, p.Dir, p.TTY
	}
	a.contain(e, p)
	a.name(e)
	if e.Sys != nil && e.Sys.Target.PID != 0 {
		a.target(e)
	}
	if e.Kind == event.Exit {
		a.table.exited(e.Process.Key, time.Now())
	}
}

func (a *Agent) contain(e *event.Event, p *known) {
	if p != nil && p.container != nil && p.container.Cgroup == e.Container.Cgroup {
		e.Container = *p.container
		return
	}
	c := a.containers.of(e.Container.Cgroup, e.Process.PID)
	if c == nil {
		return
	}
	e.Container = *c
	if p != nil {
		p.container = c
	}
}

// name adds the user's name and what an address was asked for by.
func (a *Agent) name(e *event.Event) {
	if e.Container.ID == "" && e.Process.PID != 0 { // inside, a number means somebody else
		e.Process.User = a.users.name(e.Process.UID)
	}
	switch {
	case e.DNS != nil && e.DNS.Answer:
		a.names.learn(e.DNS)
	case e.Kind == event.Connect:
		e.Net.Name = a.names.of(e.Net.Remote.Addr())
	}
}

// target says who was taken hold of. The caller gave the number that its own pid
// namespace has for it.
func (a *Agent) target(e *event.Event) {
	pid := e.Sys.Target.PID
	if e.Container.ID != "" {
		pid = outside(e.Process.PID, pid)
	}
	if p := a.table.latest[pid]; p != nil {
		e.Sys.Target = p.Process
		return
	}
	if p, ok := readProcess(pid); ok {
		e.Sys.Target = p.Process
	}
}

// look reads a process from /proc, if it is still the same one.
func (a *Agent) look(k event.Key) *known {
	if k.PID == 0 {
		return nil
	}
	p, ok := readProcess(k.PID)
	if !ok || p.Start/clockTick != k.Start/clockTick {
		return nil
	}
	p.Start, p.approximate = k.Start, false
	a.table.put(&p)
	return &p
}

// bootTime is when the host was started, by its present clock: a clock that is set
// moves it, and with it the times of the events that follow.
func bootTime() time.Time {
	var ts unix.Timespec
	now := time.Now()
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return now
	}
	return now.Add(-time.Duration(ts.Nano())).Round(0)
}
