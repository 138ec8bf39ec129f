package directive

import (
	"crypto/ed25519"
	"time"
)

// Skew is how far the clocks of server and host may differ before a directive seems to come
// from the future.
const Skew = 2 * time.Minute

// Ledger is what a host remembers between directives. The agent keeps it on disk.
type Ledger struct {
	Workspace string            `json:"workspace"`
	Host      string            `json:"host"`
	Key       ed25519.PublicKey `json:"key"` // pinned at enrolment, or by the last rotation
	Seq       uint64            `json:"seq"`
	Version   int               `json:"version"`         // the newest form accepted
	Spent     map[string]int64  `json:"spent,omitempty"` // release codes that were used, until they expire (unix ms)
}

// Accept judges an envelope. Without an error the directive is to be obeyed, but only after
// the ledger, which has changed, is safely on disk: what is forgotten can be played again. A
// *Refusal is to be reported; the ledger may have changed then too.
//
// An authentic directive uses up its number even if it is refused for its time, its kind or
// the host's limits: waiting for the limits to change and playing it again is no way in.
func (l *Ledger) Accept(envelope []byte, limits Limits, now time.Time) (Directive, error) {
	d, r := open(l.Key, envelope)
	if r != nil {
		return Directive{}, r
	}
	if r := l.fresh(d); r != nil {
		return Directive{}, r
	}
	l.Seq, l.Version = d.Seq, max(l.Version, d.V)
	for _, judge := range []func() *Refusal{
		func() *Refusal { return onTime(d, now) },
		d.refusal,
		func() *Refusal { return limits.judge(d) },
		func() *Refusal { return l.rotate(d) },
	} {
		if r := judge(); r != nil {
			return Directive{}, r
		}
	}
	return d, nil
}

func (l *Ledger) fresh(d Directive) *Refusal {
	if d.Workspace != l.Workspace || d.Host != l.Host {
		return refuse(Elsewhere, "", "a directive for host %q of workspace %q came to %q of %q", d.Host, d.Workspace, l.Host, l.Workspace)
	}
	if d.V < l.Version {
		return refuse(Downgrade, "", "a directive of form %d came, older than form %d, which this host has accepted", d.V, l.Version)
	}
	if d.V > Version {
		return refuse(UnknownKind, "update the agent", "a directive of form %d came; this agent knows %d", d.V, Version)
	}
	if d.Seq <= l.Seq {
		return refuse(Replayed, "", "directive %d came again or too late; %d was accepted already", d.Seq, l.Seq)
	}
	return nil
}

func onTime(d Directive, now time.Time) *Refusal {
	if begin := time.UnixMilli(d.NotBefore); now.Add(Skew).Before(begin) {
		return refuse(TooEarly, "is this host's clock right?", "a directive holds from %s on; here it is %s", utc(begin), utc(now))
	}
	if end := time.UnixMilli(d.Expires); !now.Before(end) {
		return refuse(Expired, "approve it again; is this host's clock right?", "a directive expired at %s; here it is %s", utc(end), utc(now))
	}
	return nil
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (l *Ledger) rotate(d Directive) *Refusal {
	if d.Kind != Rotate {
		return nil
	}
	fresh := ed25519.PublicKey(d.Rotate.Key)
	if !ed25519.Verify(fresh, rotation(fresh, l.Key, l.Workspace, l.Host), d.Rotate.Proof) {
		return refuse(Forged, "the pinned key stays", "the new key of the server was not proved")
	}
	l.Key = fresh
	return nil
}
