package fleet

import (
	"context"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const knownWithin = 2 * time.Second

// Changed tells the other replicas that people changed what is kept, and waits until those that are reached
// have read it, up to 2 s: whoever was told that it holds may try at once, and meet any of them.
func (f *Fleet) Changed(ctx context.Context) {
	f.mu.Lock()
	f.lastTalk++
	id, waiting := f.lastTalk, make(chan struct{}, len(f.peers))
	n := 0
	for _, p := range f.peers {
		if p.stop != nil {
			p.known[id] = waiting
			p.wish(&wire.Errand{What: &wire.Errand_Changed{Changed: &wire.Changed{Id: id}}})
			n++
		}
	}
	f.mu.Unlock()
	late := time.NewTimer(knownWithin)
	defer late.Stop()
	for range n {
		select {
		case <-waiting:
		case <-late.C:
			f.c.Log.Warn("another replica has not read yet what people changed here")
			return
		case <-ctx.Done():
			return
		}
	}
}

// knows hears that the replica has read what was changed.
func (p *peer) knows(id uint64) {
	p.fleet.mu.Lock()
	defer p.fleet.mu.Unlock()
	if waiting := p.known[id]; waiting != nil {
		waiting <- struct{}{} // there is room for each
		delete(p.known, id)
	}
}
