package fleet

import (
	"errors"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// ErrNewer says that a set of that version or a later one was published, here or at another replica.
var ErrNewer = errors.New("publish a set: a newer one was published")

// Publish signs a set of rules ("sigma") or indicators ("intel") and gives it to every host, now or when
// it comes, whichever replica it converses with. The version is above every one published before, else it is
// ErrNewer; a time in milliseconds is good for it.
func (f *Fleet) Publish(kind string, version uint64, body []byte) error {
	if len(body) > wire.MostUpdate {
		return errors.New("publish a set: it is larger than a host takes")
	}
	f.mu.Lock()
	if was := f.sets[kind]; was != nil && was.GetVersion() >= version {
		f.mu.Unlock()
		return ErrNewer
	}
	u := wire.SignSet(f.c.Directives, f.c.Workspace, kind, version, body)
	f.keep(u)
	f.mu.Unlock()
	f.give(u)
	f.wishAll(&wire.Errand{What: &wire.Errand_Update{Update: u}})
	return nil
}

// adopt takes a set that was published at another replica, if it is newer.
func (f *Fleet) adopt(u *wire.Update) {
	f.mu.Lock()
	if wire.VerifySet(f.key(), f.c.Workspace, f.sets[u.GetKind()].GetVersion(), u) != nil {
		f.mu.Unlock()
		return
	}
	f.keep(u)
	f.mu.Unlock()
	f.give(u)
}

// give gives a set to the hosts that converse with this replica.
func (f *Fleet) give(u *wire.Update) {
	for _, s := range f.connected() {
		if s.peer == nil {
			s.want(u)
		}
	}
}

// Published is the version of the newest set of a kind, here or at another replica; 0 for none.
func (f *Fleet) Published(kind string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sets[kind].GetVersion()
}
