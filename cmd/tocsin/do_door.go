package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/screen"
	"github.com/tocsin-ir/tocsin/templates"
)

// door says which of two ways in: the server's API with a token, or the database.
type door struct {
	Server string        `help:"Address of the server, https://…, to speak to it with a token. Without it the database itself is opened, on its own machine." env:"TOCSIN_SERVER"`
	Token  config.Secret `help:"Your token, or @ and the file it is in; tocsin token makes one." env:"TOCSIN_TOKEN"`
	As     string        `help:"Without a server: plan id of the person who asks." env:"TOCSIN_AS"`
}

// way is one of the two, opened.
type way interface {
	// Say says a line; answered hears the answer once, tell what happens because of it
	// until wait is over. It returns what is owed then.
	Say(ctx context.Context, line string, wait time.Duration, answered func(text, refused string), tell func(screen.Line)) (owed []string, err error)
	// Watch tells of an incident whenever it changes, nil now and then when it does not.
	// errAway: it may come back.
	Watch(ctx context.Context, incident string, tell func(v *screen.View, now time.Time)) error
	Close()
}

// errAway says that the other side does not answer now, and may later.
var errAway = errors.New("away")

func (d door) open(ctx context.Context, c config.Config, t terminal) (way, error) {
	if d.Server != "" {
		if d.As != "" {
			return nil, errors.New("with --server you are whose token it is: leave out --as")
		}
		return dial(d.Server, d.Token.Reveal())
	}
	if d.As == "" {
		return nil, errors.New("who asks? Say --server https://… with your token in TOCSIN_TOKEN, or on the server's machine --as and your id in the plan")
	}
	a, err := app.New(ctx, c, app.Parts{Log: t.log("error")})
	if err != nil {
		return nil, err
	}
	who, ok := a.PlanPerson(d.As)
	if !ok {
		a.Close()
		return nil, fmt.Errorf("the plan has no person %q; see people.yaml", d.As)
	}
	return local{a, who}, nil
}

// local works on the database, for when the server is down too: whoever can read its
// key can read everything in it, so that who they say they are is believed.
type local struct {
	app *app.App
	who incident.Person
}

func (l local) Close() { l.app.Close() }

func (l local) Say(ctx context.Context, line string, wait time.Duration, answered func(string, string), tell func(screen.Line)) ([]string, error) {
	host, _ := os.Hostname() // part of an id, nothing more
	id := incident.CommandID("cli:" + host + ":" + rand.Text())
	reply, err := l.app.Say(ctx, l.who, incident.ViaCLI, line, id)
	if err != nil {
		return nil, err
	}
	refused := ""
	if reply.Refused != nil {
		refused = reply.Refused.Code
	}
	answered(templates.Terminal(reply.Card), refused)
	if refused != "" || !reply.Asked || wait <= 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return l.app.Follow(ctx, l.who, reply.Stream, id, func(line screen.Line) error { tell(line); return nil })
}

func (l local) Watch(ctx context.Context, name string, tell func(*screen.View, time.Time)) error {
	err := l.app.Watch(ctx, l.who, name, nil, func(v *screen.View, now time.Time) error { tell(v, now); return nil })
	var no *incident.Refusal
	if err == nil || errors.As(err, &no) || ctx.Err() != nil {
		return err
	}
	return errors.Join(errAway, err)
}
