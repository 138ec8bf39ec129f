package main

import (
	"encoding/json"

	"github.com/tocsin-ir/tocsin/sensor/probe"
)

type probeCmd struct {
	JSON bool `help:"As JSON."`
}

// Run probes; that nothing would run is an answer too, and not an error.
func (c *probeCmd) Run(t terminal) error {
	r := probe.Run()
	if !c.JSON {
		return r.Write(t.out)
	}
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
