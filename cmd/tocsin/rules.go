package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/goccy/go-yaml"

	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma/trial"
)

type rulesCmd struct {
	Check    rulesCheckCmd    `cmd:"" help:"Say everything that is wrong with Sigma rules, with file, line and column, and which of them the sensor has no events for."`
	Test     rulesTryCmd      `cmd:"" help:"Play the test events that stand beside rules, in folders called tests."`
	Explain  rulesExplainCmd  `cmd:"" help:"Say, part by part, why a rule fires for an event or does not."`
	Coverage rulesCoverageCmd `cmd:"" help:"List the ATT&CK techniques that have rules; write them as a layer of ATT&CK Navigator."`
}

// ruleFolders is where a command finds rules. Without a folder it is the starter pack.
type ruleFolders struct {
	Placeholders string   `help:"YAML file with the values of %placeholders%: a name, and a list of values." type:"existingfile" placeholder:"FILE"`
	Folders      []string `arg:"" optional:"" name:"dir" help:"Folders of rules. Without one: the starter pack that comes with Tocsin."`
}

// each calls with every folder, and what names of files in it begin with.
func (r ruleFolders) each(do func(fsys fs.FS, before string) error) error {
	if len(r.Folders) == 0 {
		return do(rules.Files(), "starter-pack")
	}
	for _, f := range r.Folders {
		if at, err := os.Stat(f); err != nil {
			return err
		} else if !at.IsDir() {
			return fmt.Errorf("%s is no folder", f)
		}
		if err := do(os.DirFS(f), f); err != nil {
			return err
		}
	}
	return nil
}

func (r ruleFolders) compile(loud bool) (*sigma.Set, []sigma.Problem, error) {
	o := sigma.Options{Loud: loud}
	if r.Placeholders != "" {
		text, err := os.ReadFile(r.Placeholders)
		if err != nil {
			return nil, nil, err
		}
		if err := yaml.UnmarshalWithOptions(text, &o.Placeholders, yaml.Strict()); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", r.Placeholders, err)
		}
	}
	var files []sigma.File
	err := r.each(func(fsys fs.FS, before string) error {
		some, err := sigma.Read(fsys)
		for i := range some {
			some[i].Name = path.Join(before, some[i].Name)
		}
		files = append(files, some...)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	set, problems := sigma.Compile(files, o)
	return set, problems, nil
}

func (r ruleFolders) trials() ([]trial.Trial, error) {
	var all []trial.Trial
	var wrong []error
	err := r.each(func(fsys fs.FS, before string) error {
		some, err := trial.Read(fsys)
		if err != nil {
			wrong = append(wrong, err)
		}
		for i := range some {
			some[i].File = path.Join(before, some[i].File)
		}
		all = append(all, some...)
		return nil
	})
	return all, errors.Join(append(wrong, err)...)
}

// usable is a Set whose problems have been told; a rule that cannot be used is no reason
// not to go on with the others.
func (r ruleFolders) usable(t terminal, loud bool) (*sigma.Set, error) {
	set, problems, err := r.compile(loud)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		if !p.Warning {
			_, _ = fmt.Fprintln(t.err, p)
		}
	}
	return set, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
