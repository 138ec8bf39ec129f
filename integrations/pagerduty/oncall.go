package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// Where things are kept in the Cache.
const (
	spaceOnCall   = "pagerduty.oncall"   // by "policy/<id>" or "schedule/<id>"
	spaceContacts = "pagerduty.contacts" // by user id
	spacePriority = "pagerduty.priority" // all under "all"
	spaceService  = "pagerduty.service"  // by policy id
)

// staleOnCall is how old a remembered rota may be and still say who is paged: most
// shifts are shorter than a week, few shorter than half a day.
const staleOnCall = 12 * time.Hour

// onCall is a user who is on call, on a level of a policy (1 is paged first).
type onCall struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Level uint   `json:"level"`
}

// rota is who is on call. known is false when it cannot be found out; err says why
// when that may pass.
type rota struct {
	people []onCall
	known  bool
	err    error
}

// rotaKey names the rota that decides whom a rung reaches: the policy's, or for a
// service the schedule the plan names beside it. "" when the plan names neither.
func rotaKey(r incident.Rung) string {
	switch {
	case r.Policy != "":
		return "policy/" + r.Policy
	case r.Schedule != "":
		return "schedule/" + r.Schedule
	}
	return ""
}

// onCallNow asks PagerDuty, and its cached answer when it does not answer in time.
func (p *Pager) onCallNow(ctx context.Context, rung incident.Rung, rank incident.Rank) rota {
	key := rotaKey(rung)
	if key == "" || p.conf.APIToken == "" {
		return rota{}
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait.onCall)
	defer cancel()
	people, err := p.fetchOnCall(ctx, key, rank)
	if err == nil {
		return rota{people: people, known: true}
	}
	// A cache is local: it must still answer when the time for PagerDuty has run out.
	var kept []onCall
	at, ok := p.recall(context.WithoutCancel(ctx), spaceOnCall, key, &kept)
	if ok && p.conf.Clock.Now().Sub(at) <= staleOnCall {
		return rota{people: kept, known: true}
	}
	return rota{err: err}
}

// fetchOnCall asks who is on call at this moment, one page of answers, and remembers it.
func (p *Pager) fetchOnCall(ctx context.Context, key string, rank incident.Rank) ([]onCall, error) {
	o := pd.ListOnCallOptions{Limit: 100, Includes: []string{"users"}}
	if id, ok := cutPrefix(key, "policy/"); ok {
		o.EscalationPolicyIDs = []string{id}
	}
	if id, ok := cutPrefix(key, "schedule/"); ok {
		o.ScheduleIDs = []string{id}
	}
	var got *pd.ListOnCallsResponse
	err := p.call(ctx, rank, CostREST, "look up who is on call", func(c *pd.Client) (err error) {
		got, err = c.ListOnCallsWithContext(ctx, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	var people []onCall
	for _, c := range got.OnCalls {
		one := onCall{ID: c.User.ID, Name: c.User.Name, Email: c.User.Email, Level: c.EscalationLevel}
		if one.Name == "" {
			one.Name = c.User.Summary
		}
		if one.ID != "" && !slices.Contains(people, one) {
			people = append(people, one)
		}
	}
	p.remember(ctx, spaceOnCall, key, people)
	return people, nil
}

// first are those who are paged first: the lowest level that anybody is on.
func first(people []onCall) []onCall {
	var out []onCall
	for _, c := range people {
		if len(out) > 0 && c.Level < out[0].Level {
			out = out[:0]
		}
		if len(out) == 0 || c.Level == out[0].Level {
			out = append(out, c)
		}
	}
	return out
}

// RefreshOnCall fills the cache with who is on call on the given schedules and
// policies and how to reach them, so that it is there when PagerDuty is not. It goes
// through all of them and returns what went wrong on the way, joined.
func (p *Pager) RefreshOnCall(ctx context.Context, schedules, policies []string) error {
	if p.conf.APIToken == "" {
		return nil
	}
	if p.self.Load() == nil {
		p.checkFrom(ctx) // whose doings are echoes of our own
	}
	var keys []string
	for _, id := range schedules {
		keys = append(keys, "schedule/"+id)
	}
	for _, id := range policies {
		keys = append(keys, "policy/"+id)
	}
	var faults []error
	seen := map[string]bool{}
	for _, key := range keys {
		people, err := p.fetchOnCall(ctx, key, incident.RankRefresh)
		faults = append(faults, err)
		for _, c := range people {
			if seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			_, err := p.fetchContacts(ctx, c.ID, incident.RankRefresh)
			faults = append(faults, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

// remember puts a value into the cache. A cache that fails costs only what it would
// have known later.
func (p *Pager) remember(ctx context.Context, space, key string, v any) {
	if p.conf.Cache == nil {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		return
	}
	_ = p.conf.Cache.CachePut(ctx, space, key, data, p.conf.Clock.Now())
}

func (p *Pager) recall(ctx context.Context, space, key string, into any) (at time.Time, ok bool) {
	if p.conf.Cache == nil {
		return time.Time{}, false
	}
	data, at, ok, err := p.conf.Cache.CacheGet(ctx, space, key)
	if err != nil || !ok || json.Unmarshal(data, into) != nil {
		return time.Time{}, false
	}
	return at, true
}

// cutPrefix is strings.CutPrefix that insists on something after the prefix.
func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) <= len(prefix) || s[:len(prefix)] != prefix {
		return "", false
	}
	return s[len(prefix):], true
}
