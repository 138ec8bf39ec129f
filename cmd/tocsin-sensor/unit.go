package main

import (
	_ "embed" // the two texts
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/probe"
)

//go:embed tocsin-sensor.service
var unit string

//go:embed daemonset.yaml
var daemonset string

type unitCmd struct {
	Binary string `help:"Where the program is." default:"/usr/local/bin/tocsin-sensor"`
}

// Run prints the unit.
func (c *unitCmd) Run(t terminal) error {
	r := strings.NewReplacer("{{binary}}", c.Binary, "{{capabilities}}", probe.Capabilities)
	_, err := fmt.Fprint(t.out, r.Replace(unit))
	return err
}

type daemonsetCmd struct {
	Image     string `help:"The container image." default:"tocsin-sensor:latest"`
	Namespace string `help:"Where it lives." default:"tocsin"`
}

// Run prints the manifest.
func (c *daemonsetCmd) Run(t terminal) error {
	caps := strings.ReplaceAll(strings.ReplaceAll(probe.Capabilities, "CAP_", ""), " ", ", ")
	r := strings.NewReplacer("{{image}}", c.Image, "{{namespace}}", c.Namespace, "{{capabilities}}", caps)
	_, err := fmt.Fprint(t.out, r.Replace(daemonset))
	return err
}
