// Command tocsin-sensor is Tocsin's agent on a host.
//
//	tocsin-sensor run        watch, and write what is seen
//	tocsin-sensor enroll     make this host known to a server
//	tocsin-sensor holds      what is held here
//	tocsin-sensor free       release it with a code
//	tocsin-sensor events     show live what happens here, filtered
//	tocsin-sensor probe      what this kernel allows, and what would run
//	tocsin-sensor unit       a systemd unit with the least capabilities
//	tocsin-sensor daemonset  a Kubernetes manifest, the same
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

	"github.com/tocsin-ir/tocsin/sensor/probe"
)

// commands is the command line. Each command has a file of its own.
type commands struct {
	Run       runCmd       `cmd:"" help:"Watch this host and write what is seen as lines of JSON."`
	Enroll    enrollCmd    `cmd:"" help:"Make this host known to a server, with a one-time token."`
	Holds     holdsCmd     `cmd:"" help:"What is held on this host, of the running sensor."`
	Free      freeCmd      `cmd:"" help:"Release a hold with a code of the server's, when the server cannot be reached."`
	Events    eventsCmd    `cmd:"" help:"Show live what happens on this host."`
	Probe     probeCmd     `cmd:"" help:"Try what this kernel allows, and say what would run."`
	Unit      unitCmd      `cmd:"" help:"Print a systemd unit with the least capabilities."`
	Daemonset daemonsetCmd `cmd:"" help:"Print a Kubernetes manifest with the least capabilities."`
}

// terminal is where a command reads and writes.
type terminal struct {
	out, err io.Writer
}

func (t terminal) log(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: level}))
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main for tests: it returns the exit code. 1: it did not work; 2: it was not
// asked for properly.
func run(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	code := -1
	parser, err := kong.New(&c, kong.Name("tocsin-sensor"), kong.Writers(out, errs), kong.Exit(func(n int) { code = n }),
		kong.Description("Tocsin's eyes on a host."), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(terminal{out, errs}))
	if err != nil {
		_, _ = fmt.Fprintln(errs, "tocsin-sensor:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if code >= 0 {
		return code // --help
	}
	if err != nil {
		_, _ = fmt.Fprintf(errs, "tocsin-sensor: %v\nTry: tocsin-sensor --help\n", err)
		return 2
	}
	err = parsed.Run()
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return 0
	}
	var cannot cannotWatch
	if errors.As(err, &cannot) {
		why, hint := probe.Explain(cannot.err)
		_, _ = fmt.Fprintf(errs, "%s\n%s\n", why, hint)
		return 1
	}
	_, _ = fmt.Fprintln(errs, "tocsin-sensor:", err)
	return 1
}

// cannotWatch is why the programs could not be attached; people get it in a sentence.
type cannotWatch struct{ err error }

func (c cannotWatch) Error() string { return "attach: " + c.err.Error() }
