package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/evidence/bundle"
)

type evidenceCmd struct {
	List   evidenceListCmd   `cmd:"" help:"What was kept of an incident, with its custody."`
	Export evidenceExportCmd `cmd:"" help:"Write it, decrypted, with the record that proves it, into one file that can be handed over. That it was taken is put on the record."`
	Verify evidenceVerifyCmd `cmd:"" help:"Verify such a file with nothing but a public key; exit code 1 when anything is wrong."`
}

type evidenceListCmd struct {
	Incident string `arg:"" help:"INC-0042."`
	JSON     bool   `name:"json" help:"Print it as JSON."`
	config.Config
}

// Run lists.
func (c *evidenceListCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.OpenAudit(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	s, all, err := a.Evidence(ctx, incidentNamed(c.Incident))
	if err != nil {
		return err
	}
	items := make([]bundle.Item, 0, len(all))
	for _, e := range all {
		items = append(items, app.BundleItem(e))
	}
	if c.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(items)
	}
	for _, it := range items {
		if err := bundle.Tell(t.out, it); err != nil {
			return err
		}
	}
	held := ""
	if s.LegalHold.On {
		held = "; under legal hold"
	}
	_, err = fmt.Fprintf(t.out, "%s: %d items%s\n", s.Stream, len(items), held)
	return err
}

func incidentNamed(id string) incident.ID {
	if strings.HasPrefix(strings.ToLower(id), "inc-") {
		id = strings.ToUpper(id)
	}
	return incident.ID(id)
}

type evidenceExportCmd struct {
	Incident string `arg:"" help:"INC-0042."`
	Out      string `short:"o" help:"File to write; it is made readable by its owner only, and must not be there yet." required:""`
	As       string `help:"Plan id of the person who takes it." env:"TOCSIN_AS" required:""`
	To       string `help:"For whom: it is put on the record." required:""`
	config.Config
}

// Run exports. Nothing is left of a file that could not be finished.
func (c *evidenceExportCmd) Run(ctx context.Context, t terminal) (err error) {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log("error")})
	if err != nil {
		return err
	}
	defer a.Close()
	who, ok := a.PlanPerson(c.As)
	if !ok {
		return fmt.Errorf("the plan has no person %q; see people.yaml", c.As)
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	m, public, err := a.ExportEvidence(ctx, who, incidentNamed(c.Incident), c.To, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.Out))
	}
	lost := 0
	for _, it := range m.Items {
		if it.State == bundle.Lost {
			lost++
		}
	}
	if lost > 0 {
		_, _ = fmt.Fprintf(t.err, "tocsin: the contents of %d items are lost; the bundle says which\n", lost)
	}
	_, err = fmt.Fprintf(t.err, "%d items; verify with: tocsin evidence verify %s %s\n", len(m.Items), c.Out, public)
	return err
}

type evidenceVerifyCmd struct {
	Bundle string `arg:"" help:"The bundle; - reads the standard input."`
	Key    string `arg:"" help:"The public key as you were given it: 64 hex digits, or a file that begins with them. Any of the keys the workspace ever had will do."`
	JSON   bool   `name:"json" help:"Print what was found as JSON."`
}

// Run verifies. It opens no database and no connection, and writes no file.
func (c *evidenceVerifyCmd) Run(t terminal) error {
	key, err := publicKey(c.Key)
	if err != nil {
		return err
	}
	in := io.Reader(os.Stdin)
	if c.Bundle != "-" {
		f, err := os.Open(c.Bundle)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	found, err := bundle.Verify(in, key)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		err = e.Encode(found)
	} else {
		err = found.Write(t.out)
	}
	if err == nil && !found.OK() {
		err = quiet{}
	}
	return err
}
