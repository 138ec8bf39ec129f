// Package exec makes containment actions of commands that a team describes in YAML, for
// what has a command line and no API. There is no shell anywhere: a command is a list of
// arguments, and what somebody typed is always exactly one of them, so that quotes,
// semicolons and blanks are what they are and nothing more.
//
// A command runs with an environment of its own, without input, for a bounded time, and
// what it says is bounded too. It runs as the user that Tocsin runs as; what that user may
// do, whoever may ask for the action may do. Give it little.
package exec

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/declared"
)

// Config is what is read. File and Text are required.
type Config struct {
	File string // its name, for problems
	Text []byte
	Env  func(name string) (string, bool) // where secrets are; nil is the environment
	Pace actions.Pace                     // limit "exec", one take for each command
}

// rate bounds how many processes a flood of requests can start.
var rate = actions.Rate{PerMinute: 120, Burst: 20}

// Actions reads the file. The error joins everything that is wrong with it, each with
// file, line and column.
func Actions(c Config) ([]actions.Action, error) {
	if c.Env == nil {
		c.Env = os.LookupEnv
	}
	if len(c.Text) == 0 {
		return nil, errors.New(c.File + ": the file is empty")
	}
	f := declared.File{Name: c.File, Text: c.Text, Env: c.Env}
	return declared.Load(f, func(declared.Fields) declared.Kit {
		return func(v declared.Value, u declared.Use) declared.Part { return commandOf(v, u, c.Pace) }
	})
}

// Bounds of a command.
const (
	usual   = 20 * time.Second
	longest = 2 * time.Minute
)

var (
	// shells and their like make many words of one.
	shells = []string{"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "busybox", "env", "xargs", "eval", "nsenter", "pwsh"}
	// programs are options after which an argument is a program and not a value.
	programs = []string{"-c", "-e", "-E", "--eval", "--command", "--exec", "-exec"}
	// flagged is what may stand before a value in one argument: "--zone=".
	flagged    = regexp.MustCompile(`^-{0,2}[A-Za-z0-9][A-Za-z0-9_.-]*=$`)
	variable   = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,60}$`)
	overriding = []string{"PATH", "IFS", "ENV", "BASH_ENV", "SHELL", "HOME"}
)

// commandOf reads a part.
func commandOf(v declared.Value, u declared.Use, pace actions.Pace) declared.Part {
	f := v.Fields("run", "timeout", "env", "codes", "state", "seen")
	c := &command{use: u, pace: pace, timeout: usual}
	if run, ok := f.Must("run"); ok {
		c.arguments(run)
	}
	if tv, ok := f.Get("timeout"); ok {
		d, err := time.ParseDuration(tv.Line(20))
		if err != nil || d < 100*time.Millisecond || d > longest {
			tv.Wrong("timeout is a time such as 10s, %s at most", longest)
		}
		c.timeout = d
	}
	for name, ev := range f.Pairs("env") {
		if !variable.MatchString(name) || slices.Contains(overriding, name) || strings.HasPrefix(name, "LD_") {
			ev.Wrong("%.60q cannot be set here: capital letters, and none that decides which program runs", name)
		}
		c.env = append(c.env, setting{name, ev.Text(2000, u.Scope)})
	}
	c.answer(v, f)
	return c
}

// arguments reads the command. A place is a whole argument, or the value of a flag.
func (c *command) arguments(v declared.Value) {
	items := v.Items()
	if len(items) == 0 {
		v.Wrong("run is a list: a program and its arguments")
		return
	}
	for i, in := range items {
		t := in.Text(1000, c.use.Scope.Public())
		plain, fixed := t.Plain()
		switch {
		case fixed && slices.Contains(shells, filepath.Base(plain)):
			in.Wrong("%s would make many words of one; name the program itself", plain)
		case i == 0 && (!fixed || !filepath.IsAbs(plain) || filepath.Clean(plain) != plain):
			in.Wrong("the program is named by its whole path, without places")
		case i == 0:
			if err := trusted(plain); err != nil {
				in.Wrong("%s", err)
			}
		case !fixed && !t.Single(flagged):
			in.Wrong("a place is a whole argument, or what follows a flag and =: it never is part of a word")
		case !fixed && slices.Contains(programs, last(c.args)):
			in.Wrong("after %s stands a program, and nobody may type one", last(c.args))
		}
		c.args = append(c.args, t)
	}
}

func last(args []declared.Text) string {
	if len(args) == 0 {
		return ""
	}
	s, _ := args[len(args)-1].Plain()
	return s
}

// answer reads how what comes back becomes a state.
func (c *command) answer(v declared.Value, f declared.Fields) {
	c.codes = map[int]string{}
	for key, cv := range f.Pairs("codes") {
		n, err := strconv.Atoi(key)
		if err != nil || n < 0 || n > 125 || n == tempFail || n == noPerm {
			cv.Wrong("%.40q cannot be a state: exit codes from 0 to 125 can, without %d (later) and %d (not allowed)", key, tempFail, noPerm)
			continue
		}
		c.codes[n] = cv.Line(40)
	}
	sv, ok := f.Get("state")
	if ok {
		sv.OneOf("output")
		c.output = true
		if _, twice := c.codes[0]; twice {
			sv.Wrong("exit code 0 means a state already")
		}
	}
	if c.use.Reads && !ok && len(c.codes) == 0 {
		v.Wrong("how is the state read? codes says what each exit code means, state: output takes the word that the command says")
	}
	if !c.use.Reads && (ok || len(c.codes) > 0) {
		v.Wrong("what comes back of %s is not read; the state is read by read and verify", c.use.Step)
	}
}
