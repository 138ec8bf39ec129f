package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store"
)

type rekeyCmd struct {
	NewKey config.Secret `help:"The new key: 64 hex digits, or @file. Without it one is made, where a key file is used." env:"TOCSIN_NEW_KEY"`
	config.Config
}

// Run changes the master key of a database that no server uses.
func (c *rekeyCmd) Run(ctx context.Context, t terminal) error {
	n, file, err := app.Rekey(ctx, c.Config, c.NewKey)
	if errors.Is(err, store.ErrKey) {
		return fmt.Errorf("rekey: %w; nothing was changed", err)
	}
	if err != nil {
		return fmt.Errorf("rekey: %w", err)
	}
	next := "Give the servers the new key in TOCSIN_KEY before they start."
	if file != "" {
		next = "The new key is in " + file + ": keep a copy of it apart."
	}
	_, err = fmt.Fprintf(t.out, `%d texts, tokens, hosts and remembered answers are under the new key. %s
Back-ups made until now still need the old key, and are still readable with it:
make a new back-up, and throw away what should not be read any more.
`, n, next)
	return err
}
