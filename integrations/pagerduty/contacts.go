package pagerduty

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// Contact is one way to reach a person. It is for responders' eyes only.
type Contact struct {
	Kind    string `json:"kind"` // phone, sms, email, push
	Label   string `json:"label"`
	Address string `json:"address"` // a phone number has its country code: "+44 5551234"
}

// Contacts are the ways PagerDuty knows to reach a user, and how old that knowledge
// is: zero when PagerDuty answered just now, more when it did not and the cache did.
// The error is PagerDuty's when neither knows.
func (p *Pager) Contacts(ctx context.Context, pdUserID string) ([]Contact, time.Duration, error) {
	if p.conf.APIToken == "" {
		return nil, 0, errors.New("look up contact details: no PagerDuty API token is configured")
	}
	asking, cancel := context.WithTimeout(ctx, p.wait.onCall)
	defer cancel()
	got, err := p.fetchContacts(asking, pdUserID, incident.RankAct)
	if err == nil {
		return got, 0, nil
	}
	var kept []Contact
	at, ok := p.recall(ctx, spaceContacts, pdUserID, &kept)
	if !ok {
		return nil, 0, err
	}
	return kept, max(0, p.conf.Clock.Now().Sub(at)), nil
}

func (p *Pager) fetchContacts(ctx context.Context, id string, rank incident.Rank) ([]Contact, error) {
	if !isID(id) {
		return nil, errors.New("look up contact details: that is not a PagerDuty user id")
	}
	var u *pd.User
	err := p.call(ctx, rank, CostREST, "look up contact details", func(c *pd.Client) (err error) {
		u, err = c.GetUserWithContext(ctx, id, pd.GetUserOptions{Includes: []string{"contact_methods"}})
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []Contact
	for _, m := range u.ContactMethods {
		c := Contact{Kind: strings.TrimSuffix(m.Type, "_contact_method"), Label: m.Label, Address: m.Address}
		if strings.HasPrefix(c.Kind, "push") {
			continue // the address of a device helps nobody who wants to call
		}
		if m.CountryCode > 0 {
			c.Address = "+" + strconv.Itoa(m.CountryCode) + " " + m.Address
		}
		out = append(out, c)
	}
	p.remember(ctx, spaceContacts, id, out)
	return out, nil
}

// isID guards the paths the SDK builds by joining strings: an id that came in by a
// webhook or a plan file must not reach another endpoint.
func isID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
