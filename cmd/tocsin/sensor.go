package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/screen"
	"github.com/tocsin-ir/tocsin/templates"
)

// sensorCmd works on the database, on the server's machine: whoever may read its key says which
// hosts may come.
type sensorCmd struct {
	Token  sensorTokenCmd  `cmd:"" help:"Make a token that enrols one host, once, and print it."`
	List   sensorListCmd   `cmd:"" help:"List the hosts that are enrolled."`
	Code   sensorCodeCmd   `cmd:"" help:"Make a code that releases one hold at a host's own console, once, when the host cannot be reached."`
	Revoke sensorRevokeCmd `cmd:"" help:"End the agents of hosts at once."`
}

type sensorTokenCmd struct {
	Host string   `help:"Only this host may use it, and it may replace the agent it has."`
	For  lifetime `help:"How long it is good: 30m, 12h, 7d; at most 7d." default:"1h"`
	config.Config
}

// Run makes a token. The token alone goes to the output, so that it can go to a file.
func (c *sensorTokenCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	by := "somebody on the server"
	if u, err := user.Current(); err == nil {
		by = u.Username + " on the server"
	}
	text, expires, err := a.MakeSensorToken(ctx, c.Host, by, time.Duration(c.For))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(t.err, "Good once, until %s. On the host: tocsin-sensor enroll --server %s, with the token on its standard input.\n",
		templates.Stamp(expires), firstOf(c.Fleet.Names, "tocsin.example.com")+portOf(c.Fleet.Listen))
	_, err = fmt.Fprintln(t.out, text)
	return err
}

// portOf is the port of an address, with its colon.
func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return ":" + port
}

func firstOf(list []string, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	return list[0]
}

type sensorListCmd struct{ config.Config }

// Run lists hosts as the database knows them; a running server knows more.
func (c *sensorListCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	all, err := a.SensorHosts(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "HOST\tAGENT\tVERSION\tKERNEL\tENROLLED\tLAST WORD")
	for _, h := range all {
		seen := "never"
		if !h.Seen.IsZero() {
			seen = templates.Stamp(h.Seen)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", screen.Tame(h.Host), h.Agent, screen.Tame(h.Version), screen.Tame(h.Kernel), templates.Stamp(h.Enrolled), seen)
	}
	return w.Flush()
}

type sensorRevokeCmd struct {
	Host []string `arg:"" help:"Hosts, as tocsin sensor list shows them."`
	config.Config
}

// Run revokes; one that is not there is an error, the others are revoked all the same.
func (c *sensorRevokeCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	var missing error
	for _, host := range c.Host {
		switch ok, err := a.RevokeSensor(ctx, host); {
		case err != nil:
			return err
		case !ok:
			missing = errors.Join(missing, fmt.Errorf("no host %q is enrolled", host))
		default:
			_, _ = fmt.Fprintf(t.out, "%s is revoked. A running server cuts it off within seconds.\n", host)
		}
	}
	return missing
}

type sensorCodeCmd struct {
	Host string   `arg:"" help:"The host."`
	Hold string   `arg:"" help:"The hold, as tocsin-sensor holds shows it on the host."`
	For  lifetime `help:"How long it is good: 10m, 2h; less than a day." default:"1h"`
	config.Config
}

// Run makes a code. The code alone goes to the output.
func (c *sensorCodeCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	code, err := a.SensorCode(ctx, c.Host, c.Hold, time.Duration(c.For))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(t.err, "At the console of the host: tocsin-sensor free, and this code. It is good once.")
	_, err = fmt.Fprintln(t.out, code)
	return err
}
