package plan

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
)

// Keeper keeps the files of plans by their digest, so that an incident can follow
// the plan it began with after the folder has moved on.
type Keeper interface {
	SavePlan(ctx context.Context, digest string, files []byte) error
	Plan(ctx context.Context, digest string) (files []byte, ok bool, err error)
}

// Current holds the plan in force. It may be used by many at once.
type Current struct {
	folder fs.FS
	keeper Keeper

	// reloading is held while the folder is read, so that an older reading never
	// replaces a newer one.
	reloading sync.Mutex

	// mu guards everything that follows.
	mu   sync.Mutex
	now  *Plan
	past map[string]*Plan // by digest
}

// NewCurrent reads the plan in folder and keeps it with keeper. There is no good
// plan to fall back on yet, so a broken one is an error (a *Broken).
func NewCurrent(ctx context.Context, folder fs.FS, keeper Keeper) (*Current, error) {
	c := &Current{folder: folder, keeper: keeper, past: map[string]*Plan{}}
	if err := c.Reload(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Now is the plan in force.
func (c *Current) Now() *Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Reload reads the folder again. If the new plan is broken (a *Broken) or cannot be
// kept, the good one stays in force.
func (c *Current) Reload(ctx context.Context) error {
	c.reloading.Lock()
	defer c.reloading.Unlock()
	p, err := Load(c.folder)
	if err != nil {
		return err
	}
	if old := c.Now(); old != nil && old.digest == p.digest {
		return nil
	}
	if err := c.keeper.SavePlan(ctx, p.digest, p.files); err != nil {
		return fmt.Errorf("keep plan %s: %w", p.digest, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = p
	c.remember(p)
	return nil
}

// maxPast bounds how many plans are held ready; a plan is small, and open incidents
// rarely follow more than a few.
const maxPast = 16

func (c *Current) remember(p *Plan) {
	for digest := range c.past {
		if len(c.past) < maxPast {
			break
		}
		delete(c.past, digest)
	}
	c.past[p.digest] = p
}

// ByDigest is the plan an incident follows, from memory or from the keeper. ok is
// false where no such plan was kept.
func (c *Current) ByDigest(ctx context.Context, digest string) (p *Plan, ok bool, err error) {
	c.mu.Lock()
	p = c.past[digest]
	c.mu.Unlock()
	if p != nil {
		return p, true, nil
	}
	files, ok, err := c.keeper.Plan(ctx, digest)
	if err != nil || !ok {
		return nil, false, err
	}
	p, err = Parse(files)
	if err != nil {
		return nil, false, fmt.Errorf("read the kept plan %s: %w", digest, err)
	}
	if p.digest != digest {
		return nil, false, fmt.Errorf("the plan kept as %s is %s: it was changed where it is kept", digest, p.digest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(p)
	return p, true, nil
}
