package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

type planCmd struct {
	Check planCheckCmd `cmd:"" help:"Say everything that is wrong with a plan, with file, line and column."`
	Test  planTestCmd  `cmd:"" help:"Try the grants of a plan on the cases of its grants_test.yaml."`
	Init  planInitCmd  `cmd:"" help:"Write the default plan into a new folder, to be made your own."`
}

type planCheckCmd struct {
	Folder string `arg:"" help:"Folder of the plan." type:"existingdir"`
}

// Run checks; a plan with problems is exit code 1.
func (c *planCheckCmd) Run(t terminal) error {
	p, err := plan.Load(os.DirFS(c.Folder))
	var broken *plan.Broken
	if errors.As(err, &broken) {
		for _, problem := range broken.Problems {
			if _, err := fmt.Fprintln(t.err, problem); err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintf(t.err, "%d problem(s)\n", len(broken.Problems))
		return quiet{}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "The plan is good: %d types, %d roles, %d ladders, %d people.\n%s\n",
		len(p.Types()), len(p.Roles()), len(p.Ladders()), len(p.People()), p.Digest())
	return err
}

type planTestCmd struct {
	Folder string `arg:"" help:"Folder of the plan." type:"existingdir"`
}

// Run tries every case; one that comes out otherwise is exit code 1.
func (c *planTestCmd) Run(t terminal) error {
	folder := os.DirFS(c.Folder)
	p, err := plan.Load(folder)
	if err != nil {
		return err
	}
	cases, err := p.Cases(folder)
	if err != nil {
		return err
	}
	failed := 0
	for _, one := range cases {
		if why := p.Try(one, time.Now()); why != "" {
			failed++
			_, _ = fmt.Fprintf(t.err, "%s: %s asks for %s on %s: %s\n", one.Source, one.Who, one.Action, strings.Join(one.Targets, ", "), why)
		}
	}
	if _, err := fmt.Fprintf(t.out, "%d passed, %d failed\n", len(cases)-failed, failed); err != nil {
		return err
	}
	if failed > 0 {
		return quiet{}
	}
	return nil
}

type planInitCmd struct {
	Folder string `arg:"" help:"Folder to make."`
}

// Run copies; it never writes over anything.
func (c *planInitCmd) Run(t terminal) error {
	from := templates.DefaultPlan()
	err := fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		to := filepath.Join(c.Folder, filepath.FromSlash(path))
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(to, 0o750)
		}
		return copyNew(from, path, to)
	})
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	_, err = fmt.Fprintf(t.out, "The default plan is in %s. Next: tocsin plan check %s\n", c.Folder, c.Folder)
	return err
}

func copyNew(from fs.FS, path, to string) (err error) {
	in, err := from.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
