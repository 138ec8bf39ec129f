package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/store"
)

// known tells who is behind a Slack account without asking Slack: the plan says so, or
// Slack did not long ago.
func (d *people) known(account string) (incident.PersonID, bool) {
	if p, ok := d.plan().BySlack(account); ok {
		return p.ID, true
	}
	d.mu.Lock()
	had, ok := d.seen[account]
	d.mu.Unlock()
	if !ok {
		return "", false
	}
	return d.principal(had.member).ID, true
}

// openEvidence opens the place for the contents of files; nil where none is kept.
func (a *App) openEvidence(ctx context.Context) (bot.Evidence, error) {
	s, err := openKept(ctx, a.config)
	if err != nil {
		return nil, err
	}
	if s == nil || fileLimit(a.config) < 0 {
		a.log.Warn("what is in files shared in rooms is not kept: set TOCSIN_EVIDENCE to a folder or a bucket, the same for every replica")
		return nil, nil
	}
	a.onStop(func() { _ = s.Close() })
	a.kept = s
	return kept{s}, nil
}

// openKept opens the place for evidence, a folder or a bucket; nil where there is none.
func openKept(ctx context.Context, c config.Config) (evidence.Store, error) {
	switch place := evidenceFolder(c); {
	case place == "":
		return nil, nil
	case strings.Contains(place, "://"):
		return openBucket(ctx, place)
	default:
		return evidence.OpenFolder(place)
	}
}

func fileLimit(c config.Config) int64 {
	if c.FileLimit == 0 {
		return 64 << 20
	}
	return c.FileLimit
}

func evidenceFolder(c config.Config) string {
	if c.Evidence != "" {
		return c.Evidence
	}
	if file, ok := store.Path(c.Database); ok {
		return file + ".evidence"
	}
	return ""
}

// kept gives the surface the evidence store.
type kept struct{ store evidence.Store }

// Keep returns what is needed to read the content again, its key included.
func (k kept) Keep(ctx context.Context, of string, r io.Reader, limit int64) (json.RawMessage, error) {
	item, err := k.store.Put(ctx, of, r, limit)
	if errors.Is(err, evidence.ErrTooLarge) {
		return nil, bot.ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(item)
}
