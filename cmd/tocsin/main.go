// Command tocsin is the server and its command line.
//
//	tocsin demo       a whole incident on this machine, no account anywhere
//	tocsin serve      the server
//	tocsin do         the same words as in Slack, from a terminal
//	tocsin plan       check and show the plan
//	tocsin audit      export the record, verify an export
//	tocsin manifest   the Slack app's manifest
//	tocsin doctor     whether everything is there and works
//	tocsin backup     copy the embedded database while the server runs
//	tocsin restore    make it anew from a copy
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
	Plan     planCmd     `cmd:"" help:"Check and show the plan."`
	Audit    auditCmd    `cmd:"" help:"Export the record, verify an export, and the keys that sign it."`
	Manifest manifestCmd `cmd:"" help:"Print the manifest of the Slack app."`
	Doctor   doctorCmd   `cmd:"" help:"Look whether everything Tocsin needs is there and works; say what is not and how to mend it."`
	Backup   backupCmd   `cmd:"" help:"Copy the embedded database into a file while the server runs. The key file is not part of it."`
	Restore  restoreCmd  `cmd:"" help:"Make the embedded database anew from such a copy. It never writes over one."`
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
