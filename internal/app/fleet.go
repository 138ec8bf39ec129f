package app

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/signals"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/store"
)

// sensors are the hosts, where any may come.
type sensors struct {
	fleet *fleet.Fleet // nil: not configured
	desk  *signals.Desk
	feeds *feeds.Subscriptions
}

// openFleet makes the fleet of the hosts in the database. It listens to nobody yet.
func (a *App) openFleet(ctx context.Context, _ Parts) error {
	c := a.config.Fleet
	if c.Listen == "" {
		return nil
	}
	orders, err := fleetKey(a.config, c.Key, "TOCSIN_FLEET_KEY", ".fleet-key")
	if err != nil {
		return err
	}
	authority, err := fleetKey(a.config, c.Authority, "TOCSIN_FLEET_AUTHORITY", ".fleet-authority")
	if err != nil {
		return err
	}
	conf := fleet.Config{Workspace: a.config.Workspace, Book: fleetBook{a.db}, Directives: orders, Authority: authority, Names: c.Names, Peer: c.Peer, Now: a.clock.Now, Log: a.log,
		Changes: map[string]func(from, to []byte) ([]byte, error){"intel": intel.Change}}
	if alone(a.config) {
		a.log.Warn("TOCSIN_FLEET_PEER is not set: if there are other replicas, they can neither ask nor contain the hosts that converse with this one")
	}
	if a.kept != nil {
		conf.Shelf = fleetShelf{a.db, a.kept}
	}
	if err := a.openSignals(ctx, &conf); err != nil {
		return err
	}
	if a.sensors.fleet, err = fleet.New(ctx, conf); err != nil {
		return err
	}
	return a.attendSignals()
}

// serveFleet answers hosts until the context ends.
func (a *App) serveFleet(ctx context.Context) error {
	if a.sensors.fleet == nil {
		return nil
	}
	l := a.parts.Sensors
	if l == nil {
		var err error
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", a.config.Fleet.Listen); err != nil {
			return fmt.Errorf("listen for sensors: %w", err)
		}
	}
	a.log.Info("sensors", "address", l.Addr().String(), "hosts", len(a.sensors.fleet.Hosts()))
	return a.sensors.fleet.Serve(ctx, l)
}

// fleetActions are the deeds on hosts; none where no sensors may come.
func (a *App) fleetActions() []actions.Action {
	if a.sensors.fleet == nil {
		return nil
	}
	return a.sensors.fleet.Actions()
}

// fleetKey is a key of the fleet: the one configured or, with a SQLite database, that of a file
// beside it, which is made when it is not there. It is never in the database.
func fleetKey(c config.Config, given config.Secret, name, suffix string) (ed25519.PrivateKey, error) {
	text, from := given.Reveal(), name
	if !given.IsSet() {
		path, ok := store.Path(c.Database)
		if !ok {
			return nil, fmt.Errorf("sensors need %s: 64 hex digits, the same for every replica (`openssl rand -hex 32`)", name)
		}
		from = path + suffix
		if _, _, err := makeKey(from); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		for range 50 { // another process may be making it this instant
			b, err := os.ReadFile(from)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", from, err)
			}
			if text = string(b); len(text) >= 65 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	seed, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s does not hold 64 hex digits", from)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

var errNoFleet = errors.New("no sensors may come: set TOCSIN_FLEET_LISTEN and TOCSIN_FLEET_NAMES")

// MakeSensorToken makes a token that enrols one host. The text is given this once.
func (a *App) MakeSensorToken(ctx context.Context, host, by string, good time.Duration) (text string, expires time.Time, err error) {
	if a.sensors.fleet == nil {
		return "", time.Time{}, errNoFleet
	}
	text, t, err := a.sensors.fleet.MakeToken(ctx, host, by, good)
	return text, t.Expires, err
}

// SensorHost is a host in a list.
type SensorHost struct {
	Host, Agent, Version, Kernel string
	Enrolled, Seen               time.Time
}

// SensorHosts are the hosts that are enrolled, as the database knows them.
func (a *App) SensorHosts(context.Context) ([]SensorHost, error) {
	if a.sensors.fleet == nil {
		return nil, errNoFleet
	}
	var all []SensorHost
	for _, h := range a.sensors.fleet.Hosts() {
		all = append(all, SensorHost{h.Name, h.Agent, h.Version, h.Kernel, h.Enrolled, h.Seen})
	}
	return all, nil
}

// RevokeSensor ends the agent of a host; false when there is none.
func (a *App) RevokeSensor(ctx context.Context, host string) (bool, error) {
	if a.sensors.fleet == nil {
		return false, errNoFleet
	}
	return a.sensors.fleet.Revoke(ctx, host)
}

// SensorCode makes a code that releases one hold at a host's own console.
func (a *App) SensorCode(_ context.Context, host, hold string, good time.Duration) (string, error) {
	if a.sensors.fleet == nil {
		return "", errNoFleet
	}
	return a.sensors.fleet.Code(host, hold, good)
}

// fleetBook is the database as package fleet asks for it.
type fleetBook struct{ db *store.DB }

func (b fleetBook) AddToken(ctx context.Context, t fleet.Token) error {
	return b.db.AddSensorToken(ctx, store.SensorToken(t))
}

func (b fleetBook) Token(ctx context.Context, id string) (fleet.Token, bool, error) {
	t, ok, err := b.db.SensorToken(ctx, id)
	return fleet.Token(t), ok, err
}

func (b fleetBook) Enrol(ctx context.Context, token string, a fleet.Agent, replace bool) error {
	err := b.db.EnrolSensor(ctx, token, store.Sensor(a), replace)
	switch {
	case errors.Is(err, store.ErrTokenSpent):
		return fleet.ErrSpent
	case errors.Is(err, store.ErrHostTaken):
		return fleet.ErrTaken
	}
	return err
}

func (b fleetBook) Agents(ctx context.Context) ([]fleet.Agent, error) {
	all, err := b.db.Sensors(ctx)
	out := make([]fleet.Agent, 0, len(all))
	for _, s := range all {
		out = append(out, fleet.Agent(s))
	}
	return out, err
}

func (b fleetBook) Agent(ctx context.Context, id string) (fleet.Agent, bool, error) {
	s, ok, err := b.db.Sensor(ctx, id)
	return fleet.Agent(s), ok, err
}

func (b fleetBook) Revoke(ctx context.Context, id string, at time.Time) (bool, error) {
	return b.db.RevokeSensor(ctx, id, at)
}

func (b fleetBook) Saw(ctx context.Context, id string, at time.Time, about []byte) error {
	return b.db.SensorSeen(ctx, id, at, about)
}

func (b fleetBook) Number(ctx context.Context, agent string, above uint64) (uint64, error) {
	return b.db.SensorOrder(ctx, agent, above)
}

func (b fleetBook) Beat(ctx context.Context, r fleet.Replica) error {
	return b.db.ReplicaSeen(ctx, store.Replica(r))
}

func (b fleetBook) Replicas(ctx context.Context, since time.Time) ([]fleet.Replica, error) {
	all, err := b.db.Replicas(ctx, since)
	out := make([]fleet.Replica, 0, len(all))
	for _, r := range all {
		out = append(out, fleet.Replica(r))
	}
	return out, err
}

func (b fleetBook) Leave(ctx context.Context, id string) error { return b.db.ReplicaLeaves(ctx, id) }

// fleetShelf keeps archives in the folder for evidence, encrypted; which key reads which is in the
// database, encrypted too.
type fleetShelf struct {
	db   *store.DB
	kept evidence.Store
}

const shelfFolder = "sensors"

func (s fleetShelf) Put(ctx context.Context, id string, r io.Reader, most int64) (fleet.Kept, error) {
	item, err := s.kept.Put(ctx, shelfFolder, r, most)
	if err != nil {
		return fleet.Kept{}, err
	}
	k := fleet.Kept{SHA256: item.SHA256, Size: item.Size}
	return k, s.db.KeepSensorArchive(ctx, id, store.SensorArchive{Stored: item.Stored, Key: item.Key, SHA256: k.SHA256, Size: k.Size})
}

func (s fleetShelf) Find(ctx context.Context, id string) (fleet.Kept, bool, error) {
	a, ok, err := s.db.SensorArchive(ctx, id)
	return fleet.Kept{SHA256: a.SHA256, Size: a.Size}, ok, err
}

func (s fleetShelf) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	a, ok, err := s.db.SensorArchive(ctx, id)
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("find the archive %s", id), err)
	}
	return s.kept.Open(ctx, shelfFolder, evidence.Item{Stored: a.Stored, Key: a.Key, SHA256: a.SHA256, Size: a.Size})
}
