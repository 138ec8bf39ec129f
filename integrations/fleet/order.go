package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const (
	orderGood   = 2 * time.Minute // that an order may be obeyed
	orderAnswer = 30 * time.Second
	slowAnswer  = 100 * time.Second // of a collection
	mostTries   = 3                 // with a new number, where one was overtaken
)

// Away is a host that cannot be spoken to now.
type Away struct {
	Host    string
	Seen    time.Time // zero: never
	Unheard string    // addresses of replicas that cannot be reached and may have it; "" none
}

// Error says so, and since when.
func (a *Away) Error() string {
	if a.Unheard != "" {
		return fmt.Sprintf("%s is not connected here; it may be at another replica, %s, which cannot be reached", a.Host, a.Unheard)
	}
	if a.Seen.IsZero() {
		return a.Host + " is not connected and never was"
	}
	return fmt.Sprintf("%s is not connected; its last word was at %s", a.Host, a.Seen.UTC().Format("2006-01-02 15:04:05 UTC"))
}

func (f *Fleet) session(host string) (*session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.sessions[host]; s != nil {
		return s, nil
	}
	away := &Away{Host: host, Unheard: f.unheard()}
	if h := f.hosts[host]; h != nil {
		away.Seen = h.Seen
	}
	return nil, away
}

// order signs a directive, sends it, and waits for what came of it. Nothing is known of an order
// whose answer was lost: it is given again, under the same id, and the host says "already".
func (f *Fleet) order(ctx context.Context, host string, d directive.Directive) (wire.Receipt, error) {
	s, err := f.session(host)
	if err != nil {
		return wire.Receipt{}, err
	}
	above := s.hello.GetDirective()
	for try := 1; ; try++ {
		done, err := s.order(ctx, d, above)
		if err != nil {
			return wire.Receipt{}, fmt.Errorf("order %s of %s: %w", d.Kind, host, err)
		}
		if done.GetRefused().GetCode() == directive.Replayed && try < mostTries {
			continue // another order overtook it
		}
		return s.outcome(d, done)
	}
}

func (s *session) order(ctx context.Context, d directive.Directive, above uint64) (*wire.Done, error) {
	f := s.fleet
	if above > 1<<62 {
		return nil, incident.GiveUp(errors.New("the host says it accepted a number that no server gave; enrol it again"))
	}
	seq, err := f.c.Book.Number(ctx, s.agent.ID, above)
	if err != nil {
		return nil, err
	}
	// By the host's clock: it is the one that judges.
	h, _ := f.Host(s.agent.Host)
	now := f.c.Now().Add(h.Offset)
	d.V, d.Workspace, d.Host, d.Seq = directive.Version, f.c.Workspace, s.agent.Host, seq
	d.NotBefore, d.Expires = now.Add(-directive.Skew/2).UnixMilli(), now.Add(orderGood).UnixMilli()
	envelope, err := directive.Sign(f.c.Directives, d)
	if err != nil {
		return nil, incident.GiveUp(err)
	}
	if d.Kind == directive.Collect { // the host may bring it to whichever replica it reaches
		f.wishAll(&wire.Errand{What: &wire.Errand_Await{Await: &wire.Await{Envelope: envelope}}})
	}
	sum, answer := sha256.Sum256(envelope), make(chan *wire.Done, 1)
	s.mu.Lock()
	s.orders[sum] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.orders, sum)
		s.mu.Unlock()
	}()
	long := orderAnswer
	if d.Kind == directive.Collect {
		long = slowAnswer
	}
	late := time.NewTimer(long)
	defer late.Stop()
	select {
	case s.out <- &wire.Down{What: &wire.Down_Order{Order: &wire.Order{Envelope: envelope, Slow: d.Kind == directive.Collect}}}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.done:
		return nil, errors.New("the connection to the host broke")
	}
	f.c.Log.Info("an order was given", "host", s.agent.Host, "kind", d.Kind, "id", d.ID, "incident", d.Incident, "approval", d.Approval, "number", seq)
	select {
	case done := <-answer:
		return done, nil
	case <-late.C:
		return nil, errors.New("the host did not say what came of it")
	case <-s.done:
		return nil, errors.New("the connection to the host broke before it said what came of it")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *session) finished(d *wire.Done) {
	var sum [sha256.Size]byte
	if len(d.GetEnvelope()) != len(sum) {
		return
	}
	copy(sum[:], d.GetEnvelope())
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer := s.orders[sum]; answer != nil {
		delete(s.orders, sum)
		answer <- d
	}
}

// outcome turns what the host said into what the contract of actions knows.
func (s *session) outcome(d directive.Directive, done *wire.Done) (wire.Receipt, error) {
	host := s.agent.Host
	if done.GetLaterMs() > 0 {
		wait := min(time.Duration(done.GetLaterMs())*time.Millisecond, 5*time.Minute)
		return wire.Receipt{}, incident.Later(fmt.Errorf("%s is busy with other orders", host), wait)
	}
	if no := done.GetRefused(); no != nil {
		why := tame(no.GetWhy())
		s.fleet.report(s.agent, fmt.Sprintf("It refused %s: %s.", d.Kind, why))
		switch no.GetCode() {
		case directive.Limited:
			return wire.Receipt{}, &actions.MissingRight{Right: string(d.Kind), To: fmt.Sprintf("%s; %s's own limits say no: %s", d.Kind, host, why)}
		case directive.Expired, directive.TooEarly, directive.Replayed:
			return wire.Receipt{}, fmt.Errorf("%s refused %s: %s", host, d.Kind, why)
		}
		return wire.Receipt{}, incident.GiveUp(fmt.Errorf("%s refused %s: %s", host, d.Kind, why))
	}
	var r wire.Receipt
	if err := json.Unmarshal(done.GetReceipt(), &r); done.GetTrouble() == "" && (err != nil || r.ID != d.ID) {
		return r, fmt.Errorf("%s answered %s with something that cannot be read", host, d.Kind)
	}
	if done.GetTrouble() != "" {
		return r, fmt.Errorf("%s could not do %s: %s", host, d.Kind, tame(done.GetTrouble()))
	}
	for i := range r.Notes {
		r.Notes[i] = tame(r.Notes[i])
	}
	return r, nil
}

// holdID names the hold of a deed at a host: the same for the same deed, however often it is tried.
func holdID(key string, kind directive.Kind, host string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + string(kind) + "\x00" + host))
	return "hold-" + hex.EncodeToString(sum[:12])
}

// incidentOf is the incident that a deed's key belongs to: INC-0042.C1/3/1.
func incidentOf(key string) string {
	if i := strings.IndexAny(key, "./"); i > 0 {
		return key[:i]
	}
	return key
}

// directed begins the directive of a plan. The approval is what was approved: the plan's digest.
func directed(kind directive.Kind, id, key, approval string) directive.Directive {
	return directive.Directive{ID: id, Kind: kind, Incident: incidentOf(key), Approval: approval}
}

// released is the order to let a hold go.
func (f *Fleet) released(ctx context.Context, host, hold, key string) error {
	d := directed(directive.Release, hold+"-release", key, "release of "+key)
	d.Hold = &directive.HoldOf{ID: hold}
	_, err := f.order(ctx, host, d)
	return err
}
