package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/screen"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// tokenCmd works on the database, on the server's machine: whoever may read its key
// says who gets a token.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token for a person and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List tokens: whose, until when, used when."`
	Revoke tokenRevokeCmd `cmd:"" help:"End tokens at once."`
}

type tokenCreateCmd struct {
	Person string   `help:"Whose: plan id, e-mail or Slack id." required:""`
	For    lifetime `help:"How long it is good: 12h, 90d; at most 366d." default:"90d"`
	Name   string   `help:"What it is for: laptop."`
	config.Config
}

// lifetime is a duration that may be given in days.
type lifetime time.Duration

// UnmarshalText reads 12h or 90d.
func (l *lifetime) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		*l = lifetime(time.Duration(n) * 24 * time.Hour)
		return err
	}
	d, err := time.ParseDuration(s)
	*l = lifetime(d)
	return err
}

// Run makes a token. The token alone goes to the output, so that it can go to a file.
func (c *tokenCreateCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	text, made, err := a.MakeToken(ctx, c.Person, c.Name, time.Duration(c.For))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(t.err, "Token %s of %s, good until %s. It is shown this once; give it to nobody else.\n",
		made.ID, made.Person, templates.Stamp(made.Expires))
	_, err = fmt.Fprintln(t.out, text)
	return err
}

type tokenListCmd struct {
	Person string `help:"Only this person's: the id that the list shows."`
	config.Config
}

// Run lists tokens; the tokens themselves are nowhere.
func (c *tokenListCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	all, err := a.Tokens(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tPERSON\tNAME\tSTATE\tEXPIRES\tLAST USED")
	for _, k := range all {
		if c.Person != "" && c.Person != string(k.Person) {
			continue
		}
		used := "never"
		if !k.Used.IsZero() {
			used = templates.Stamp(k.Used)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Person, screen.Tame(k.Name), stateOf(k, time.Now()), templates.Stamp(k.Expires), used)
	}
	return w.Flush()
}

func stateOf(k store.Token, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Good(now):
		return "expired"
	}
	return "good"
}

type tokenRevokeCmd struct {
	ID     []string `arg:"" optional:"" help:"Ids, as tocsin token list shows them."`
	Person string   `help:"All tokens of this person: the id that the list shows."`
	config.Config
}

// Run revokes; one that is not there is an error, the others are revoked all the same.
func (c *tokenRevokeCmd) Run(ctx context.Context, t terminal) error {
	if len(c.ID) == 0 == (c.Person == "") {
		return errors.New("say which: ids, or --person")
	}
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	ids := c.ID
	if c.Person != "" {
		all, err := a.Tokens(ctx)
		if err != nil {
			return err
		}
		for _, k := range all {
			if string(k.Person) == c.Person && k.Revoked.IsZero() {
				ids = append(ids, k.ID)
			}
		}
	}
	var errs []error
	for _, id := range ids {
		ok, err := a.RevokeToken(ctx, id)
		if err == nil && !ok {
			err = fmt.Errorf("there is no token %q to revoke", id)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		_, _ = fmt.Fprintln(t.out, id, "is revoked")
	}
	return errors.Join(errs...)
}
