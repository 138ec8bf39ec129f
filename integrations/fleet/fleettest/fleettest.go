// Package fleettest is what tests need beside a fleet: a book and a shelf without a database.
package fleettest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
)

// Book is a book in memory. Its fields may be changed under Mu.
type Book struct {
	Mu      sync.Mutex // guards what follows
	Tokens  map[string]fleet.Token
	Agented map[string]fleet.Agent
	Numbers map[string]uint64
	Beats   map[string]fleet.Replica
	Broken  error
}

// NewBook is an empty book.
func NewBook() *Book {
	return &Book{Tokens: map[string]fleet.Token{}, Agented: map[string]fleet.Agent{}, Numbers: map[string]uint64{}, Beats: map[string]fleet.Replica{}}
}

// AddToken is described at fleet.Book, as all that follow.
func (n *Book) AddToken(_ context.Context, t fleet.Token) error {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	n.Tokens[t.ID] = t
	return n.Broken
}

// Token finds a token.
func (n *Book) Token(_ context.Context, id string) (fleet.Token, bool, error) {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	t, ok := n.Tokens[id]
	return t, ok, n.Broken
}

// Enrol spends a token and adds an agent.
func (n *Book) Enrol(_ context.Context, token string, a fleet.Agent, replace bool) error {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	t := n.Tokens[token]
	if !t.Spent.IsZero() {
		return fleet.ErrSpent
	}
	for id, other := range n.Agented {
		if other.Host == a.Host && other.Revoked.IsZero() {
			if !replace {
				return fleet.ErrTaken
			}
			other.Revoked = a.Enrolled
			n.Agented[id] = other
		}
	}
	t.Spent = a.Enrolled
	n.Tokens[token], n.Agented[a.ID] = t, a
	return n.Broken
}

// Agents are all that are not revoked.
func (n *Book) Agents(context.Context) (all []fleet.Agent, err error) {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	for _, a := range n.Agented {
		if a.Revoked.IsZero() {
			all = append(all, a)
		}
	}
	return all, n.Broken
}

// Agent finds an agent.
func (n *Book) Agent(_ context.Context, id string) (fleet.Agent, bool, error) {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	a, ok := n.Agented[id]
	return a, ok, n.Broken
}

// Revoke ends an agent.
func (n *Book) Revoke(_ context.Context, id string, at time.Time) (bool, error) {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	a, ok := n.Agented[id]
	if !ok || !a.Revoked.IsZero() {
		return false, nil
	}
	a.Revoked = at
	n.Agented[id] = a
	return true, n.Broken
}

// Saw notes what is known of an agent.
func (n *Book) Saw(_ context.Context, id string, at time.Time, about []byte) error {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	a := n.Agented[id]
	a.Seen, a.About = at, about
	n.Agented[id] = a
	return n.Broken
}

// Number is the next number for an order.
func (n *Book) Number(_ context.Context, agent string, above uint64) (uint64, error) {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	n.Numbers[agent] = max(n.Numbers[agent], above) + 1
	return n.Numbers[agent], n.Broken
}

// Beat says that a replica is there.
func (n *Book) Beat(_ context.Context, r fleet.Replica) error {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	n.Beats[r.ID] = r
	return n.Broken
}

// Replicas are those that were there since.
func (n *Book) Replicas(_ context.Context, since time.Time) (all []fleet.Replica, err error) {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	for _, r := range n.Beats {
		if !r.Seen.Before(since) {
			all = append(all, r)
		}
	}
	return all, n.Broken
}

// Leave forgets a replica.
func (n *Book) Leave(_ context.Context, id string) error {
	n.Mu.Lock()
	defer n.Mu.Unlock()
	delete(n.Beats, id)
	return n.Broken
}

// Shelf is a folder in which archives lie.
type Shelf string

func (f Shelf) path(id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(string(f), hex.EncodeToString(sum[:8]))
}

// Put keeps an archive.
func (f Shelf) Put(_ context.Context, id string, r io.Reader, most int64) (fleet.Kept, error) {
	b, err := io.ReadAll(io.LimitReader(r, most))
	if err == nil {
		err = os.WriteFile(f.path(id), b, 0o600)
	}
	sum := sha256.Sum256(b)
	return fleet.Kept{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b))}, err
}

// Find looks for an archive.
func (f Shelf) Find(_ context.Context, id string) (fleet.Kept, bool, error) {
	b, err := os.ReadFile(f.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return fleet.Kept{}, false, nil
	}
	sum := sha256.Sum256(b)
	return fleet.Kept{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b))}, true, err
}

// Open opens an archive.
func (f Shelf) Open(_ context.Context, id string) (io.ReadCloser, error) { return os.Open(f.path(id)) }
