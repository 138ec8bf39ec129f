package exec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/declared"
	"github.com/tocsin-ir/tocsin/incident"
)

// Exit codes that every command may use (sysexits.h).
const (
	usage    = 64 // EX_USAGE: called wrongly; again is useless
	dataErr  = 65 // EX_DATAERR
	tempFail = 75 // EX_TEMPFAIL: try again later
	noPerm   = 77 // EX_NOPERM: not allowed
)

const (
	maxState = 4 << 10 // bytes of a command that is asked for a state
	maxKept  = 8 << 20 // bytes of evidence
	wait     = 30 * time.Second
)

// command is one command with places in it.
type command struct {
	use     declared.Use
	pace    actions.Pace
	args    []declared.Text
	env     []setting
	timeout time.Duration
	codes   map[int]string
	output  bool // the state is what it says
}

type setting struct {
	name  string
	value declared.Text
}

// State runs the command and takes the state from its exit code or its one word.
func (c *command) State(ctx context.Context, v declared.Values) (string, error) {
	out, code, err := c.run(ctx, v, maxState)
	if err != nil {
		return "", err
	}
	if s, ok := c.codes[code]; ok {
		return s, nil
	}
	if code != 0 {
		return "", c.exited(code)
	}
	if c.output {
		return strings.TrimSpace(string(out)), nil
	}
	return "", fmt.Errorf("%s: the exit code 0 is none of the states", c.use.Step)
}

// Run runs the command; only the exit code 0 is a success.
func (c *command) Run(ctx context.Context, v declared.Values) error {
	_, code, err := c.run(ctx, v, maxState)
	if err == nil && code != 0 {
		err = c.exited(code)
	}
	return err
}

// Keep runs the command and returns what it says.
func (c *command) Keep(ctx context.Context, v declared.Values) ([]byte, error) {
	out, code, err := c.run(ctx, v, maxKept)
	switch {
	case err != nil:
		return nil, err
	case code != 0:
		return nil, c.exited(code)
	case len(out) == 0:
		return nil, fmt.Errorf("%s: the command said nothing", c.use.Step)
	}
	return out, nil
}

// exited tells of an exit code. What the command said is not told: it may repeat a secret.
func (c *command) exited(code int) error {
	err := fmt.Errorf("%s: the command ended with exit code %d", c.use.Step, code)
	switch code {
	case noPerm:
		return &actions.MissingRight{Right: c.use.Right, To: c.use.Step}
	case tempFail:
		return incident.Later(err, wait)
	case usage, dataErr:
		return incident.GiveUp(err)
	}
	return err
}

// run fills the places and runs the command.
func (c *command) run(ctx context.Context, v declared.Values, most int) (out []byte, code int, err error) {
	argv, env, err := c.fill(v)
	if err != nil {
		return nil, 0, err
	}
	if err := trusted(argv[0]); err != nil { // again: files change
		return nil, 0, incident.GiveUp(fmt.Errorf("%s: %w", c.use.Step, err))
	}
	if err := c.pace.Take(ctx, "exec", rate); err != nil {
		return nil, 0, err
	}
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out, code, err = start(within, argv, env, most)
	switch {
	case ctx.Err() != nil:
		return nil, 0, fmt.Errorf("%s: %w", c.use.Step, ctx.Err())
	case within.Err() != nil:
		return nil, 0, fmt.Errorf("%s: the command took longer than %s and was ended", c.use.Step, c.timeout)
	case err != nil:
		return nil, 0, fmt.Errorf("%s: %w", c.use.Step, err)
	}
	return out, code, nil
}

// fill makes the arguments: as many as the file has, whatever the values are.
func (c *command) fill(v declared.Values) (argv, env []string, err error) {
	for _, t := range c.args {
		s, err := t.Fill(v, nil)
		if err != nil {
			return nil, nil, err
		}
		if t.Lead() == "" && strings.HasPrefix(s, "-") {
			return nil, nil, incident.GiveUp(fmt.Errorf("%s: a value that begins with a dash would be taken for an option", c.use.Step))
		}
		argv = append(argv, s)
	}
	env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	for _, e := range c.env {
		s, err := e.value.Fill(v, nil)
		if err != nil {
			return nil, nil, err
		}
		env = append(env, e.name+"="+s)
	}
	return argv, env, nil
}

var errEndless = errors.New("the command says more than it may and was ended")

// trusted says why a program may not be run: whoever could change it, or a folder above
// it, could do as Tocsin.
func trusted(path string) error {
	at, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("there is no program %s", path)
	}
	info, err := os.Stat(at)
	switch {
	case err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is no program", path)
	case info.Mode()&0o022 != 0 || !ours(info):
		return fmt.Errorf("%s could be changed by others: it has to belong to root or to Tocsin, and nobody else may write it", path)
	}
	for dir := filepath.Dir(at); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 || !ours(info) {
			return fmt.Errorf("%s could be replaced by others: they may write the folder %s", path, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
