package fleet

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// staleAfter is how long a host may be silent before it counts as stale, and goneAfter after which
// nobody waits for it any more: it is then away, and hunts and blocks say so once.
const (
	staleAfter = 2 * time.Minute
	goneAfter  = 24 * time.Hour
)

// Host is what is known of a host.
type Host struct {
	Name      string        `json:"name"`
	Agent     string        `json:"agent"`
	Enrolled  time.Time     `json:"enrolled"`
	Connected bool          `json:"connected"`
	Address   string        `json:"address,omitempty"`
	Replica   string        `json:"replica,omitempty"` // the address of the replica that has it; "" this one
	Since     time.Time     `json:"since,omitzero"`    // of the conversation
	Seen      time.Time     `json:"seen,omitzero"`     // the last word
	Stale     bool          `json:"stale"`
	Version   string        `json:"version,omitempty"`
	Kernel    string        `json:"kernel,omitempty"`
	Profile   string        `json:"profile,omitempty"`
	Offset    time.Duration `json:"offset"` // that its clock is ahead
	RTT       time.Duration `json:"rtt"`
	Kinds     []string      `json:"kinds,omitempty"` // that may be ordered
	Longest   time.Duration `json:"longest,omitempty"`
	Pinned    bool          `json:"pinned"` // it has this server's key
	Sets      []Set         `json:"sets,omitempty"`
	Behind    []string      `json:"behind,omitempty"` // kinds of sets whose newest it has not installed
	Health    wire.Health   `json:"health"`
	Received  Received      `json:"received"`
	Notices   []wire.Notice `json:"notices,omitempty"` // the newest last
	Trouble   []string      `json:"trouble,omitempty"` // what people should know, one sentence each
}

// Set is a set that a host has.
type Set struct {
	Kind    string `json:"kind"`
	Version uint64 `json:"version"`
	Trouble string `json:"trouble,omitempty"`
}

// Received is what came from a host since this server started.
type Received struct {
	Batches    uint64 `json:"batches"`
	Events     uint64 `json:"events"`
	Again      uint64 `json:"again"`      // batches that came before
	Unreadable uint64 `json:"unreadable"` // events that could not be read
	Refused    uint64 `json:"refused"`    // events that spoke of another host
	LostBefore uint64 `json:"lost_before"`
}

const (
	mostNotices = 20
	mostTrouble = 20
)

// Hosts are all hosts, by name.
func (f *Fleet) Hosts() []Host {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Host, 0, len(f.hosts))
	for _, name := range slices.Sorted(maps.Keys(f.hosts)) {
		all = append(all, f.copy(name))
	}
	return all
}

// Host is the host of that name.
func (f *Fleet) Host(name string) (Host, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hosts[name] == nil {
		return Host{}, false
	}
	return f.copy(name), true
}

func (f *Fleet) copy(name string) Host {
	h := *f.hosts[name]
	h.Stale = f.c.Now().Sub(h.Seen) > staleAfter
	h.Notices, h.Trouble, h.Sets = slices.Clone(h.Notices), slices.Clone(h.Trouble), slices.Clone(h.Sets)
	if h.Connected && max(h.Offset, -h.Offset) > time.Second {
		h.Trouble = append(h.Trouble, "Its clock is "+h.Offset.Round(time.Millisecond).String()+" ahead of the server's (below zero: behind).")
	}
	if unheard := f.unheard(); !h.Connected && unheard != "" {
		h.Trouble = append(h.Trouble, "It may be at another replica, "+unheard+", which cannot be reached.")
	}
	for _, kind := range slices.Sorted(maps.Keys(f.sets)) {
		newest := f.sets[kind].GetVersion()
		if !slices.ContainsFunc(h.Sets, func(s Set) bool { return s.Kind == kind && s.Version >= newest && s.Trouble == "" }) {
			h.Behind = append(h.Behind, kind)
		}
	}
	return h
}

// update changes what is known of an agent's host. One that is not in the book any more is no host.
func (f *Fleet) update(a Agent, change func(*Host)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.hosts[a.Host]; h != nil && h.Agent == a.ID {
		change(h)
	}
}

// report adds trouble to a host, here and at every replica, and to the log. f.mu is not held.
func (f *Fleet) report(a Agent, what string) {
	f.c.Log.Warn("sensor link", "host", a.Host, "agent", a.ID, "what", what)
	f.trouble(a, what)
	f.tellAll(&wire.News{What: &wire.News_Reported{Reported: &wire.Reported{Host: a.Host, Agent: a.ID, What: what}}})
}

func (f *Fleet) trouble(a Agent, what string) {
	f.update(a, func(h *Host) {
		if !slices.Contains(h.Trouble, what) {
			h.Trouble = append(h.Trouble, what)
			h.Trouble = h.Trouble[max(0, len(h.Trouble)-mostTrouble):]
		}
	})
}

func (f *Fleet) agentAt(host string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.hosts[host]; h != nil {
		return h.Agent
	}
	return ""
}

// welcome takes a host in that was just enrolled, in the place of another agent if there was one.
func (f *Fleet) welcome(a Agent, was string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[a.Host] = fresh(a)
	if s := f.sessions[a.Host]; s != nil && was != "" {
		s.end("another agent was enrolled for this host")
		s.drop("another agent was enrolled for this host")
	}
}

func fresh(a Agent) *Host {
	h := &Host{Name: a.Host, Agent: a.ID, Enrolled: a.Enrolled, Seen: a.Seen}
	var was Host
	if json.Unmarshal(a.About, &was) == nil {
		h.Version, h.Kernel, h.Profile, h.Health, h.Offset = was.Version, was.Kernel, was.Profile, was.Health, was.Offset
	}
	return h
}

// learn looks into the book: who is there, and who was revoked, here or by another replica.
func (f *Fleet) learn(ctx context.Context) error {
	all, err := f.c.Book.Agents(ctx)
	if err != nil {
		return err
	}
	there := map[string]Agent{}
	for _, a := range all {
		there[a.Host] = a
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for host, a := range there {
		if h := f.hosts[host]; h == nil || h.Agent != a.ID {
			f.hosts[host] = fresh(a)
		}
	}
	for host, h := range f.hosts {
		if a, ok := there[host]; ok && a.ID == h.Agent {
			continue
		}
		delete(f.hosts, host)
	}
	for host, s := range f.sessions {
		if there[host].ID != s.agent.ID {
			s.end("the agent was revoked")
			s.drop("the agent was revoked")
		}
	}
	return nil
}

// Revoke ends the agent of a host, at once here and within seconds on other replicas. ok is false
// when there is none.
func (f *Fleet) Revoke(ctx context.Context, host string) (ok bool, err error) {
	id := f.agentAt(strings.ToLower(host))
	if id == "" {
		return false, nil
	}
	if ok, err = f.c.Book.Revoke(ctx, id, f.c.Now()); err != nil {
		return false, err
	}
	f.c.Log.Info("an agent was revoked", "host", host, "agent", id)
	return ok, f.learn(ctx)
}
