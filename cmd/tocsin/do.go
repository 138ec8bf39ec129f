package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/templates"
)

// doCmd works on the database itself, so it needs the rights of whoever runs the
// server on its machine. It works with Slack down: effects wait until it is back.
type doCmd struct {
	As   string   `help:"Plan id of the person who asks." required:"" env:"TOCSIN_AS"`
	Line []string `arg:"" help:"The words, as in Slack: '/incident note the key is rotated'."`
	config.Config
}

// Run carries out the words and prints the answer; a refusal is exit code 1.
func (c *doCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	reply, err := do(ctx, a, c.As, strings.Join(c.Line, " "))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(t.out, templates.Terminal(reply.Card)); err != nil {
		return err
	}
	if reply.Refused != nil {
		return quiet{}
	}
	return nil
}

func do(ctx context.Context, a *app.App, as, line string) (bot.Reply, error) {
	who, ok := a.PlanPerson(as)
	if !ok {
		return bot.Reply{}, fmt.Errorf("the plan has no person %q; see people.yaml", as)
	}
	command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	report := command == "/postmortem"
	if !strings.HasPrefix(command, "/") {
		rest = line
	}
	if strings.TrimSpace(line) == "" {
		return bot.Reply{}, errors.New("nothing was said; try: tocsin do '/incident help'")
	}
	host, _ := os.Hostname() // part of an id, nothing more
	return a.Room().Do(ctx, bot.Call{
		Line: rest, Report: report, Person: who, Via: incident.ViaCLI,
		CommandID: incident.CommandID("cli:" + host + ":" + rand.Text()),
	})
}
