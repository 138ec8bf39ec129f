package main

import (
	"context"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
)

type serveCmd struct {
	config.Config
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, t terminal) error {
	a, err := app.New(ctx, c.Config, app.Parts{Log: t.log(c.LogLevel)})
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Run(ctx)
}
