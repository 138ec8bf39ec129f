package templates

import (
	"embed"
	"io/fs"
)

//go:embed scenarios/*.yaml
var scenarios embed.FS

// Scenarios are the drills that Tocsin comes with, a file each.
func Scenarios() fs.FS { return under(scenarios, "scenarios") }
