package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
)

// The console is a socket in the sensor's folder, for whoever may read that folder: what is held here, and
// the release of a hold by a code that the server signed. It works when the server cannot be reached.

const (
	consoleName = "console.sock"
	mostLine    = 1024 // bytes
)

// console answers until the context ends.
func console(ctx context.Context, state string, hands *contain.Hands) error {
	path := filepath.Join(state, consoleName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open the console: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("open the console: %w", err)
	}
	defer func() { _ = l.Close() }()
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("close the console to others: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	for {
		c, err := l.Accept()
		if err != nil {
			return ctx.Err()
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		line, err := bufio.NewReader(io.LimitReader(c, mostLine)).ReadString('\n')
		if err == nil {
			_ = json.NewEncoder(c).Encode(consoleAnswer(hands, strings.TrimSpace(line)))
		}
		_ = c.Close()
	}
}

// spoken is what the console answers.
type spoken struct {
	Holds []heldHere `json:"holds,omitempty"`
	Said  string     `json:"said,omitempty"`
	Error string     `json:"error,omitempty"`
}

type heldHere struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Incident string    `json:"incident"`
	Since    time.Time `json:"since"`
}

func consoleAnswer(hands *contain.Hands, line string) spoken {
	code, free := strings.CutPrefix(line, "free ")
	if !free {
		var s spoken
		for _, h := range hands.Holds() {
			s.Holds = append(s.Holds, heldHere{h.Directive.ID, string(h.Directive.Kind), h.Directive.Incident, h.Since})
		}
		return s
	}
	r, err := hands.Free(code)
	if err != nil {
		return spoken{Error: err.Error()}
	}
	return spoken{Said: strings.Join(append([]string{r.ID + " is released."}, r.Notes...), " ")}
}

// speak asks the console of the running sensor.
func speak(ctx context.Context, state, line string) (spoken, error) {
	var s spoken
	c, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(state, consoleName))
	if err != nil {
		return s, fmt.Errorf("reach the sensor of this host, which must be running with hands: %w", err)
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprintln(c, line); err != nil {
		return s, err
	}
	if err := json.NewDecoder(c).Decode(&s); err != nil {
		return s, fmt.Errorf("read the sensor's answer: %w", err)
	}
	if s.Error != "" {
		return s, errors.New(s.Error)
	}
	return s, nil
}

type holdsCmd struct {
	State string `help:"Folder of the sensor." default:"/var/lib/tocsin-sensor" env:"TOCSIN_SENSOR_STATE"`
}

// Run lists what is held.
func (c *holdsCmd) Run(ctx context.Context, t terminal) error {
	s, err := speak(ctx, c.State, "holds")
	if err != nil {
		return err
	}
	for _, h := range s.Holds {
		_, _ = fmt.Fprintf(t.out, "%s  %s  for %s since %s\n", h.ID, h.Kind, h.Incident, h.Since.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if len(s.Holds) == 0 {
		_, _ = fmt.Fprintln(t.out, "Nothing is held here.")
	}
	return nil
}

type freeCmd struct {
	Code  string `arg:"" help:"The code, as tocsin sensor code printed it; spaces and dashes do not matter."`
	State string `help:"Folder of the sensor." default:"/var/lib/tocsin-sensor" env:"TOCSIN_SENSOR_STATE"`
}

// Run releases the hold that the code is for.
func (c *freeCmd) Run(ctx context.Context, t terminal) error {
	s, err := speak(ctx, c.State, "free "+strings.Join(strings.Fields(c.Code), ""))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, s.Said)
	return err
}
