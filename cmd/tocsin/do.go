package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// doCmd says a line over the server's API with a person's token, or on the database
// itself, with the rights of whoever may read its key. Both work with Slack down:
// what needs Slack waits until it is back.
type doCmd struct {
	door
	Wait     time.Duration `help:"How long to tell what comes of it; 0 tells the answer only. What is left is done all the same." default:"10s"`
	ReadOnly bool          `help:"Change nothing and follow the incident live: the same as tocsin watch."`
	Line     []string      `arg:"" help:"The words, as in Slack: '/incident note the key is rotated'; with --read-only the incident."`
	config.Config
}

// Run carries out the words and prints the answer; a refusal is exit code 1.
func (c *doCmd) Run(ctx context.Context, t terminal) error {
	line := strings.Join(c.Line, " ")
	if strings.TrimSpace(line) == "" {
		return errors.New("nothing was said; try: tocsin do '/incident help'")
	}
	w, err := c.open(ctx, c.Config, t)
	if err != nil {
		return err
	}
	defer w.Close()
	if c.ReadOnly {
		return watch(ctx, t, w, incidentOf(line), false)
	}
	refused := ""
	owed, err := w.Say(ctx, line, c.Wait, func(text, no string) {
		_, _ = io.WriteString(t.out, screen.Tame(text))
		refused = no
	}, func(l screen.Line) {
		_, _ = fmt.Fprintf(t.out, "  %s  %s\n", l.Occurred.Local().Format("15:04:05"), screen.Tame(l.Text))
	})
	if err != nil {
		return err
	}
	if len(owed) > 0 && c.Wait > 0 {
		_, _ = fmt.Fprintf(t.out, "Still to be done, by the server, as soon as it can (you need not wait):\n")
		for _, o := range owed {
			_, _ = fmt.Fprintf(t.out, "  %s\n", screen.Tame(o))
		}
	}
	if refused != "" {
		return quiet{}
	}
	return nil
}

// incidentOf is the incident in "/incident status INC-0001" or in "INC-0001" alone.
func incidentOf(line string) string {
	words := strings.Fields(line)
	for _, w := range words {
		if strings.HasPrefix(strings.ToUpper(w), "INC-") {
			return w
		}
	}
	return words[len(words)-1]
}
