package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

// accounts are a workspace's accounts, by id.
type accounts map[string]bot.Member

func (a accounts) Member(_ context.Context, id string) (bot.Member, error) {
	m, ok := a[id]
	if !ok {
		return m, errors.New("there is no such account")
	}
	return m, nil
}

func (a accounts) MemberByEmail(_ context.Context, address string) (bot.Member, error) {
	for _, m := range a {
		if m.Email == address {
			return m, nil
		}
	}
	return bot.Member{}, errors.New("there is no such account")
}

func (a accounts) MemberByName(context.Context, string) (bot.Member, error) {
	return bot.Member{}, errors.New("there is no such account")
}

// Another workspace gives its accounts any address it likes.
func TestABorrowedAddressMakesNobodyOneOfUs(t *testing.T) {
	t.Parallel()
	p, err := plan.Load(templates.DemoPlan())
	if err != nil {
		t.Fatal(err)
	}
	d := newPeople(func() *plan.Plan { return p }, time.Now, slog.New(slog.DiscardHandler))
	d.slack = accounts{
		"U0STRANGE": {ID: "U0STRANGE", Name: "ada", Email: "alice@example.com", Standing: incident.Foreign},
		"U0SECOND1": {ID: "U0SECOND1", Name: "al", Email: "alice@example.com"},
	}
	if who, err := d.BySlack(t.Context(), "U0STRANGE"); err != nil || who.ID == "alice" || who.Standing != incident.Foreign {
		t.Errorf("a stranger with Alice's address is %s, %v", who.ID, err)
	}
	if who, err := d.BySlack(t.Context(), "U0SECOND1"); err != nil || who.ID != "alice" {
		t.Errorf("Alice's second account is %s, %v", who.ID, err)
	}
}
