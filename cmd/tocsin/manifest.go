package main

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/bot"
)

type manifestCmd struct {
	Name   string `help:"Name of the app." default:"Tocsin"`
	Prefix string `help:"Slash command, where /incident is taken." default:"/incident"`
	URL    string `help:"Where Slack reaches Tocsin, https://…; without it the app uses Socket Mode and needs no address."`
}

// Run prints the manifest: JSON, to be pasted where Slack asks for one.
func (c *manifestCmd) Run(t terminal) error {
	m, err := bot.Manifest(bot.ManifestOptions{Name: c.Name, Prefix: c.Prefix, SocketMode: c.URL == "", URL: c.URL})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", m)
	return err
}
