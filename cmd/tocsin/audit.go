package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/config"
)

type auditCmd struct {
	Export auditExportCmd `cmd:"" help:"Write the record of an incident, or all of it, to a file that can be verified elsewhere."`
	Verify auditVerifyCmd `cmd:"" help:"Verify an export with nothing but a public key; exit code 1 when anything is wrong."`
	Key    auditKeyCmd    `cmd:"" help:"Print the public keys, the one that signs first, or replace it."`
}

type auditExportCmd struct {
	Incident    string `arg:"" optional:"" help:"INC-0042; without it everything."`
	Out         string `short:"o" help:"File to write; it is made readable by its owner only. - is the terminal." default:"-"`
	WithoutText bool   `help:"Leave out what people wrote: the chain can be verified, the texts cannot."`
	config.Config
}

// Run exports. A record that is not whole is exported too, with a warning.
func (c *auditExportCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.OpenAudit(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	id := c.Incident
	if strings.HasPrefix(strings.ToLower(id), "inc-") {
		id = strings.ToUpper(id)
	}
	out := t.out
	var file *os.File
	if c.Out != "-" {
		if file, err = os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return err
		}
		out = file
	}
	s, signed, err := a.Export(ctx, id, c.WithoutText, out)
	if file != nil {
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err != nil {
		return err
	}
	if signed != nil {
		_, _ = fmt.Fprintln(t.err, "tocsin: not everything could be signed:", signed)
	}
	_, err = fmt.Fprintf(t.err, "signed by %s; verify with: tocsin audit verify --key %s <file>\n", s.ID(), s.Public())
	return err
}

type auditVerifyCmd struct {
	File   string `arg:"" help:"The export; - reads the standard input."`
	Key    string `help:"The public key as you were given it: 64 hex digits, or a file that begins with them. Any of the keys the workspace ever had will do." required:""`
	Anchor string `name:"anchor-file" help:"Heads that were kept elsewhere, to compare with." type:"existingfile"`
	JSON   bool   `name:"json" help:"Print what was found as JSON."`
}

// Run verifies. It opens no database and no connection.
func (c *auditVerifyCmd) Run(t terminal) error {
	key, err := publicKey(c.Key)
	if err != nil {
		return err
	}
	var heads []audit.Head
	if c.Anchor != "" {
		if heads, err = readAnchor(c.Anchor); err != nil {
			return err
		}
	}
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	found, err := audit.Verify(in, key, heads)
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

func readAnchor(path string) ([]audit.Head, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return audit.ReadAnchor(f)
}

// publicKey is the key itself, or the first word of a file.
func publicKey(s string) (string, error) {
	if b, err := hex.DecodeString(s); err == nil && len(b) == 32 {
		return strings.ToLower(s), nil
	}
	f, err := os.Open(s)
	if err != nil {
		return "", fmt.Errorf("the key is neither 64 hex digits nor a file: %w", err)
	}
	defer func() { _ = f.Close() }()
	var word string
	if _, err := fmt.Fscan(io.LimitReader(f, 4096), &word); err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	if b, err := hex.DecodeString(word); err != nil || len(b) != 32 {
		return "", fmt.Errorf("%s does not begin with 64 hex digits", s)
	}
	return strings.ToLower(word), nil
}

type auditKeyCmd struct {
	Rotate bool          `help:"Make another key sign from now on, signed by the one before."`
	Next   config.Secret `help:"The next key, 64 hex digits or @file, where the present one comes from TOCSIN_AUDIT_KEY."`
	Lost   bool          `help:"The key that signed is lost: the one at hand, of TOCSIN_AUDIT_KEY or the file, signs from now on. Whoever has only earlier keys will not believe it."`
	JSON   bool          `name:"json" help:"Print the keys with their signatures as JSON."`
	config.Config
}

// Run prints the public keys, the newest first: key, id, since when.
func (c *auditKeyCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.OpenAudit(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	if c.Next.IsSet() && !c.Rotate || c.Lost && c.Rotate {
		return errors.New("--next goes with --rotate, and --lost goes alone")
	}
	if c.Lost {
		if err := a.TakeOver(ctx); err != nil {
			return err
		}
	}
	if c.Rotate {
		if _, err := a.Rotate(ctx, c.Next); err != nil {
			return err
		}
		if c.Next.IsSet() {
			_, err := fmt.Fprintln(t.err, "done; now set TOCSIN_AUDIT_KEY to the next key everywhere: the one before signs nothing any more")
			return err
		}
	}
	keys, err := a.Keys(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(keys)
	}
	for i := len(keys) - 1; i >= 0; i-- {
		k := keys[i]
		if _, err := fmt.Fprintf(t.out, "%s %s since %s\n", k.Public, k.ID, k.Since().Format("2006-01-02 15:04:05 UTC")); err != nil {
			return err
		}
	}
	return nil
}
