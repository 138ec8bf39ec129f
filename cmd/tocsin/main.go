// Command tocsin is the server and its command line.
//
//	tocsin demo       a whole incident on this machine, no account anywhere
//	tocsin serve      the server
//	tocsin do         the same words as in Slack, from a terminal
//	tocsin drill      a scenario in the sandbox, and its scorecard
//	tocsin watch      follow an incident live, in a terminal
//	tocsin token      who may come in over the API
//	tocsin sensor     which hosts may come
//	tocsin plan       check and show the plan
//	tocsin rules      check, test and explain Sigma rules
//	tocsin audit      export the record, verify an export
//	tocsin evidence   list what was kept, hand it over, verify what was handed over
//	tocsin manifest   the Slack app's manifest
//	tocsin doctor     whether everything is there and works
//	tocsin backup     copy the embedded database while the server runs
//	tocsin restore    make it anew from a copy
//	tocsin rekey      put the database under another master key
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line. Each command has a file of its own.
type commands struct {
	Demo     demoCmd     `cmd:"" help:"A whole incident on this machine: Tocsin, and an honest Slack, PagerDuty and GitHub to drive it with. No account, no network."`
	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Do       doCmd       `cmd:"" help:"Say in a terminal what you would say in Slack: tocsin do '/incident status'."`
	Drill    drillCmd    `cmd:"" help:"Play a scenario in a sandbox on this machine, and see how it went."`
	Watch    watchCmd    `cmd:"" help:"Follow an incident live in a terminal; it can change nothing."`
	Token    tokenCmd    `cmd:"" help:"Tokens of persons, for the API: tocsin do --server, tocsin watch --server."`
	Sensor   sensorCmd   `cmd:"" help:"Hosts with a sensor: who may enrol, who is there."`
	Plan     planCmd     `cmd:"" help:"Check and show the plan."`
	Rules    rulesCmd    `cmd:"" help:"Check, test and explain Sigma rules; say which techniques they cover."`
	Audit    auditCmd    `cmd:"" help:"Export the record, verify an export, and the keys that sign it."`
	Evidence evidenceCmd `cmd:"" help:"What was kept of an incident: list it, hand it over as one file, verify such a file."`
	Manifest manifestCmd `cmd:"" help:"Print the manifest of the Slack app."`
	Doctor   doctorCmd   `cmd:"" help:"Look whether everything Tocsin needs is there and works; say what is not and how to mend it."`
	Backup   backupCmd   `cmd:"" help:"Copy the embedded database into a file while the server runs. The key file is not part of it."`
	Restore  restoreCmd  `cmd:"" help:"Make the embedded database anew from such a copy. It never writes over one."`
	Rekey    rekeyCmd    `cmd:"" help:"Put the database under another master key, while no server runs."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// terminal is where a command reads and writes.
type terminal struct {
	out, err io.Writer
}

func (t terminal) log(level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: l}))
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main for tests: it returns the exit code. 1: it did not work; 2: it was not
// asked for properly.
func run(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	code := -1
	parser, err := kong.New(&c, kong.Name("tocsin"), kong.Writers(out, errs), kong.Exit(func(n int) { code = n }),
		kong.Description("A chat-ops war room for security incidents."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(terminal{out, errs}))
	if err != nil {
		_, _ = fmt.Fprintln(errs, "tocsin:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if code >= 0 {
		return code // --help
	}
	if err != nil {
		_, _ = fmt.Fprintf(errs, "tocsin: %v\nTry: tocsin --help\n", err)
		return 2
	}
	err = parsed.Run()
	var silent quiet
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case errors.As(err, &silent):
		return 1
	}
	_, _ = fmt.Fprintln(errs, "tocsin:", err)
	return 1
}

// quiet is a failure that has been told already.
type quiet struct{}

func (quiet) Error() string { return "it did not work" }
