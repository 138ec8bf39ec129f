package contain

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/process"
	"github.com/tocsin-ir/tocsin/sensor/contain/vault"
	"golang.org/x/sys/unix"
)

// state is what survives the agent: a file for the ledger, and one for each hold, so that
// writing down an isolation does not wait for a long list of networks.
type state struct {
	folder string
	Ledger directive.Ledger
	Holds  map[string]*Hold // by id of the directive that made it
	wrote  []byte           // the ledger as it is on the disk
}

// Hold is something held.
type Hold struct {
	Directive directive.Directive `json:"directive"`
	Since     time.Time           `json:"since"`
	Ends      time.Time           `json:"ends"` // of the time to live; whether it ends then is the directive's
	Boot      string              `json:"boot"` // the boot that Began and Until count from
	Began     time.Duration       `json:"began"`
	Until     time.Duration       `json:"until"`
	Pending   bool                `json:"pending,omitempty"` // written down, not yet known to be done
	Tested    string              `json:"tested,omitempty"`  // how the test of the control channel ended
	Asked     bool                `json:"asked,omitempty"`   // its end was told

	Level  int                             `json:"level,omitempty"` // of a container's cgroup
	Links  []int                           `json:"links,omitempty"` // of a container
	Frozen *process.Held                   `json:"frozen,omitempty"`
	File   *vault.Item                     `json:"file,omitempty"`
	Names  map[string]map[netip.Addr]Known `json:"names,omitempty"` // addresses of blocked domains
	Notes  []string                        `json:"notes,omitempty"`

	learnt int // counts changes of Names
}

// lets says whether it ends by itself.
func (h *Hold) lets() bool { return h.Directive.OnExpiry == directive.LetGo }

const (
	ledgerName  = "ledger.json"
	holdsName   = "holds"
	reserveName = "reserve"
	reserveSize = 1 << 20
	mostFile    = 64 << 20 // bytes; the bounds of directives keep each far below
)

// Enrol writes the first state of a host: whose it is and which key orders it. It refuses to
// do so where there is one: a pinned key is replaced by its owner's signature only.
func Enrol(folder, workspace, host string, key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return errors.New("pin the key: it is no ed25519 key")
	}
	if err := os.MkdirAll(filepath.Join(folder, holdsName), 0o700); err != nil {
		return fmt.Errorf("make the folder of the state: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(folder, ledgerName)); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(errors.New("pin the key: this host is enrolled already"), err)
	}
	s := state{folder: folder, Ledger: directive.Ledger{Workspace: workspace, Host: host, Key: key}}
	return s.save()
}

func load(folder string) (*state, error) {
	s := &state{folder: folder, Holds: map[string]*Hold{}}
	if err := read(filepath.Join(folder, ledgerName), &s.Ledger); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(folder, holdsName, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		hold := &Hold{}
		if err := read(f, hold); err != nil {
			return nil, fmt.Errorf("read the hold in %s: %w", f, err)
		}
		s.Holds[hold.Directive.ID] = hold
		// A new hold is written down without the ledger: its number counts all the same.
		s.Ledger.Seq = max(s.Ledger.Seq, hold.Directive.Seq)
		s.Ledger.Version = max(s.Ledger.Version, hold.Directive.V)
	}
	return s, nil
}

func read(path string, into any) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > mostFile {
		return fmt.Errorf("%d bytes are too many", info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (s *state) ids() []string { return slices.Sorted(maps.Keys(s.Holds)) }

func (h *Hands) save(holds ...*Hold) error { return h.state.save(holds...) }

// save writes the holds, and the ledger if it has changed.
func (s *state) save(holds ...*Hold) error {
	for _, hold := range holds {
		if err := s.write(s.path(hold.Directive.ID), hold); err != nil {
			return err
		}
	}
	text, err := json.Marshal(s.Ledger)
	if err != nil || bytes.Equal(text, s.wrote) {
		return err
	}
	if err := s.write(filepath.Join(s.folder, ledgerName), s.Ledger); err != nil {
		return err
	}
	s.wrote = text
	return nil
}

// drop forgets a hold, after the ledger that knows its number is on the disk.
func (s *state) drop(id string) error {
	if err := s.save(); err != nil {
		return err
	}
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget the hold %s: %w", id, err)
	}
	return flush(filepath.Join(s.folder, holdsName))
}

// path is the file of a hold, whatever its id may be.
func (s *state) path(id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(s.folder, holdsName, hex.EncodeToString(sum[:16])+".json")
}

// write writes a file whole or not at all, and returns when it is on the disk. An intruder
// who fills the disk must not keep a host from being isolated: a file is held in reserve and
// given up then.
func (s *state) write(path string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	reserve := filepath.Join(s.folder, reserveName)
	err = replace(path, text)
	if errors.Is(err, unix.ENOSPC) {
		_ = os.Remove(reserve)
		err = replace(path, text)
	} else if _, gone := os.Lstat(reserve); gone != nil {
		_ = os.WriteFile(reserve, make([]byte, reserveSize), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

func replace(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return err
	}
	return flush(filepath.Dir(path))
}

func flush(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read which boot this is: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
