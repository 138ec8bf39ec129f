package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store"
)

type backupCmd struct {
	File     string `arg:"" help:"File to make; it must not be there yet."`
	Database string `help:"SQLite file." default:"tocsin.db" env:"TOCSIN_DATABASE"`
}

// Run copies the database while the server goes on.
func (c *backupCmd) Run(ctx context.Context, t terminal) error {
	got, err := store.Backup(ctx, c.Database, c.File)
	if err != nil {
		return backedUp("backup", err)
	}
	_, err = fmt.Fprintf(t.out, `%s holds %d incidents, %d events and %d effects still owed: %d bytes.
The key file is not in it. Without the key no text of it can be read: keep
that apart, and safe. What is erased from now on is still in this copy; throw
copies away when they are no longer needed.
`, c.File, got.Incidents, got.Events, got.Owed, got.Bytes)
	return err
}

type restoreCmd struct {
	File     string        `arg:"" help:"Copy that tocsin backup made." type:"existingfile"`
	Database string        `help:"SQLite file to make; it must not be there yet." default:"tocsin.db" env:"TOCSIN_DATABASE"`
	Key      config.Secret `help:"The key, where no key file is used." env:"TOCSIN_KEY"`
}

// Run makes the database anew from a copy; it never writes over one.
func (c *restoreCmd) Run(ctx context.Context, t terminal) error {
	got, err := store.Restore(ctx, c.File, c.Database)
	if err != nil {
		return backedUp("restore", err)
	}
	_, err = fmt.Fprintf(t.out, "%s holds %d incidents and %d events. %d effects are still owed: each looks\nfor what it did since before it does it again.\n",
		c.Database, got.Incidents, got.Events, got.Owed)
	if path, ok := store.Path(c.Database); err == nil && ok && !c.Key.IsSet() {
		_, err = fmt.Fprintf(t.out, "Put the key file that belongs to it at %s.key before the first start, then\nrun: tocsin doctor\n", path)
	}
	return err
}

func backedUp(what string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w; nothing was written, nothing is ever written over", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
