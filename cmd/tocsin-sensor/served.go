package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
	procs "github.com/tocsin-ir/tocsin/sensor/contain/process"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/judge"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

// serving is what run does for a server.
type serving struct {
	Server    bool   `help:"Converse with the server that this host is enrolled at (tocsin-sensor enroll)."`
	State     string `help:"Folder of the sensor." default:"/var/lib/tocsin-sensor" env:"TOCSIN_SENSOR_STATE"`
	Limits    string `help:"File of what this host allows; only here can it be changed." default:"/etc/tocsin-sensor/limits.json" env:"TOCSIN_SENSOR_LIMITS"`
	WatchOnly bool   `help:"Obey nobody: there are no hands." env:"TOCSIN_SENSOR_WATCH_ONLY"`
	Spool     int64  `help:"What is kept for the server while it is away, in megabytes." default:"256"`
	Pins      string `help:"Folder for what outlives the sensor in the kernel." default:"/sys/fs/bpf/tocsin-sensor"`
}

// served is the agent at work for a server.
type served struct {
	c      serving
	log    *slog.Logger
	link   *link.Link
	hands  *contain.Hands
	judge  *judge.Judge
	memory *memory.Memory
	agent  *agent.Agent // once it is open
}

// open puts the parts together; nothing runs yet.
func (c serving) open(ctx context.Context, profile bpf.Profile, log *slog.Logger) (*served, func(), error) {
	id, err := link.Load(linkDir(c.State))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, errors.New("this host is not enrolled: tocsin-sensor enroll")
	}
	if err != nil {
		return nil, nil, err
	}
	limits, err := c.limits(ctx, id)
	if err != nil {
		return nil, nil, err // an agent that cannot read its limits obeys nobody, and says so at once
	}
	s := &served{c: c, log: log, judge: judge.New(time.Now), memory: memory.New(memory.Options{Cgroups: tree()})}
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(c.State, "spool"), Limit: c.Spool << 20, Log: log})
	if err != nil {
		return nil, nil, err
	}
	stop := func() { _ = sp.Close() }
	conf := link.Config{Dir: linkDir(c.State), Identity: id, Spool: sp, Memory: s.memory, Limits: limits, Install: map[string]func([]byte) error{"sigma": settled(s.judge.Sigma), "intel": settled(s.judge.Intel)},
		Change: map[string]func([]byte) ([]byte, error){"intel": s.judge.ChangeIntel}, Profile: profile.String(),
		SetProfile: s.setProfile, Counts: s.counts, Saw: s.saw, Version: version(), Kernel: kernel(), Boot: boot(), Log: log}
	if !c.WatchOnly {
		if closeGate, err := s.takeHands(limits); err != nil {
			log.Error("this host only watches: its hands cannot be used", "err", err)
		} else {
			conf.Hands = s.hands
			stop = func() { _ = sp.Close(); closeGate() }
		}
	}
	if s.link, err = link.New(conf); err != nil {
		stop()
		return nil, nil, err
	}
	return s, stop, nil
}

// limits reads what this host allows. The control channel is where the server is, unless the file says.
func (c serving) limits(ctx context.Context, id *link.Identity) (directive.Limits, error) {
	limits := directive.DefaultLimits()
	text, err := os.ReadFile(c.Limits)
	if err == nil {
		limits, err = directive.ParseLimits(text)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return limits, fmt.Errorf("%s: %w", c.Limits, err)
	}
	if len(limits.Control) == 0 {
		limits.Control = link.Control(ctx, linkDir(c.State), id.Server)
	}
	return limits, nil
}

// tree is where the v2 tree of cgroups is mounted; "" nowhere.
func tree() string {
	for _, at := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(at, "cgroup.procs")); err == nil {
			return at
		}
	}
	return ""
}

func (s *served) takeHands(limits directive.Limits) (closeGate func(), err error) {
	root := tree()
	if root == "" {
		return nil, errors.New("there is no cgroup v2 tree")
	}
	g, err := gate.Open(gate.Place{Cgroup: root, Pins: s.c.Pins}, s.log)
	if err != nil {
		return nil, err
	}
	s.hands, err = contain.New(contain.Config{Gate: g, State: handsDir(s.c.State), Cgroups: root, Limits: limits, Log: s.log,
		Reach: func(ctx context.Context) error { return s.link.Reach(ctx) },
		Keep:  func(ctx context.Context, id string) (io.WriteCloser, error) { return s.link.Keep(ctx, id) },
		Tell:  func(n contain.Notice) { s.link.Tell(n) },
		Resolve: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		},
		Extra: s.descendants})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return func() { _ = g.Close() }, nil
}

// descendants are those that were seen to be started, whoever is their parent by now.
func (s *served) descendants(of procs.Key) (all []procs.Key) {
	for _, k := range s.memory.Children(event.Key{PID: uint32(of.PID), Start: of.Start}) {
		all = append(all, procs.Key{PID: int(k.PID), Start: k.Start})
	}
	return all
}

func (s *served) setProfile(name string) error {
	var p bpf.Profile
	if err := p.UnmarshalText([]byte(name)); err != nil {
		return err
	}
	return s.agent.SetProfile(p)
}

func (s *served) counts() (agent.Health, error) { return s.agent.Health() }

func (s *served) saw(e *event.Event) {
	if s.hands == nil {
		return
	}
	if _, err := s.hands.Saw(e.DNS.Name, e.DNS.Aliases, e.DNS.Addrs, time.Minute); err != nil {
		s.log.Warn("addresses of a blocked domain are not blocked", "domain", e.DNS.Name, "err", err)
	}
}

// run works until the context ends.
func (s *served) run(ctx context.Context, a *agent.Agent) error {
	s.agent = a
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	linked := make(chan struct{})
	go func() { defer close(linked); _ = s.link.Run(ctx) }()
	if s.hands != nil {
		go func() { _ = s.hands.Run(ctx) }()
		go func() {
			if err := console(ctx, s.c.State, s.hands); err != nil && ctx.Err() == nil {
				s.log.Error("there is no console", "err", err)
			}
		}()
	}
	err := a.Run(ctx)
	cancel()
	<-linked
	return err
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// boot is the kernel's id of this boot.
func boot() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}
