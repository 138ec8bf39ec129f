package templates

import (
	"embed"
	"io/fs"
)

//go:embed stories/*.txtar
var stories embed.FS

// Stories are the scripted incidents that `tocsin demo --story` plays.
func Stories() fs.FS {
	sub, err := fs.Sub(stories, "stories")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
