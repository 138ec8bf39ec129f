package link

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// take begins with a set; when it comes in parts, they follow.
func (t *talk) take(u *wire.Update) error {
	t.coming = nil
	switch {
	case u.GetSize() > wire.MostUpdate:
		return errors.New("the server sends a set that is too large")
	case u.GetSize() > 0:
		t.coming = u
		t.coming.Body = make([]byte, 0, u.GetSize())
		return nil
	}
	select {
	case t.news <- u:
		return nil
	default:
		return errors.New("the server sends more sets than can be read")
	}
}

// part goes on with a set. What belongs to none is passed over.
func (t *talk) part(b []byte) error {
	u := t.coming
	if u == nil {
		return nil
	}
	if u.Body = append(u.Body, b...); uint64(len(u.GetBody())) < u.GetSize() {
		return nil
	} else if uint64(len(u.GetBody())) > u.GetSize() {
		return errors.New("the server sends more of a set than there is")
	}
	u.Size = 0
	return t.take(u)
}

// installs puts sets into force beside the conversation: a large one takes its time to be read.
func (t *talk) installs(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case u := <-t.news:
			if err := t.say(ctx, &wire.Up{What: &wire.Up_Installed{Installed: t.install(u, true)}}); err != nil {
				return err
			}
		}
	}
}

// setPath is where a set that was installed is kept.
func (l *Link) setPath(kind string) string { return filepath.Join(l.c.Dir, "set-"+kind) }

// loadSets installs what was installed before. One that cannot be read or is not signed is left
// out, and the server sends it again.
func (l *Link) loadSets() error {
	for kind := range l.c.Install {
		info, err := os.Stat(l.setPath(kind))
		if err != nil || info.Size() > wire.MostUpdate+64<<10 {
			continue
		}
		b, err := os.ReadFile(l.setPath(kind))
		if err != nil {
			continue
		}
		u, err := wire.ReadKept(b)
		if err != nil || u.GetKind() != kind {
			continue
		}
		if got := l.install(u, false); got.GetTrouble() != "" {
			l.c.Log.Warn("a set that was installed before is left out", "kind", kind, "why", got.GetTrouble())
		}
	}
	return nil
}

// install puts a set into force, if it is signed, newer than what is, and can be read.
func (l *Link) install(u *wire.Update, keep bool) *wire.Installed {
	l.mu.Lock()
	was := l.sets[u.GetKind()]
	l.mu.Unlock()
	put, known := l.c.Install[u.GetKind()]
	if !known {
		return &wire.Installed{Kind: u.GetKind(), Trouble: "this agent knows no such sets"}
	}
	u, err := l.whole(u, was)
	if err == nil {
		err = wire.VerifySet(l.pinned(), l.identity().Workspace, was.GetVersion(), u)
	}
	if err == nil {
		err = put(u.GetBody())
	}
	if err == nil && keep {
		var parts [][]byte
		if parts, err = wire.Kept(u); err == nil {
			err = replace(l.setPath(u.GetKind()), parts...)
		}
	}
	if err != nil {
		return &wire.Installed{Kind: u.GetKind(), Version: was.GetVersion(), Sha256: was.GetSha256(), Trouble: err.Error()}
	}
	now := &wire.Installed{Kind: u.GetKind(), Version: u.GetVersion(), Sha256: u.GetSha256()}
	l.mu.Lock()
	l.sets[u.GetKind()] = now
	l.mu.Unlock()
	return now
}

// whole is the set that an update comes to. A change is tried only if what it leads to is signed, and what came
// of it counts only if it is that.
func (l *Link) whole(u *wire.Update, was *wire.Installed) (*wire.Update, error) {
	if len(u.GetBase()) == 0 {
		return u, nil
	}
	change := l.c.Change[u.GetKind()]
	switch {
	case !wire.Signed(l.pinned(), l.identity().Workspace, u):
		return u, wire.ErrSetForged
	case change == nil || !bytes.Equal(u.GetBase(), was.GetSha256()):
		return u, wire.ErrSetBase
	}
	body, err := change(u.GetBody())
	if err != nil {
		return u, err
	}
	return &wire.Update{Kind: u.GetKind(), Version: u.GetVersion(), Body: body, Sha256: u.GetSha256(), Signature: u.GetSignature()}, nil
}
