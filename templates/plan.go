package templates

import (
	"embed"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

//go:embed plan
var planFiles embed.FS

//go:embed plan-demo
var demoFiles embed.FS

// DefaultPlan is the plan Tocsin comes with: complete, and valid without an edit,
// but it knows nobody. A team copies it and fills in its people.
func DefaultPlan() fs.FS { return under(planFiles, "plan") }

// DemoPlan is the default plan with the demo's people, ladders and settings. A
// file of the demo stands in for the default's of the same name.
func DemoPlan() fs.FS {
	return overlay{top: under(demoFiles, "plan-demo"), base: DefaultPlan()}
}

func under(files embed.FS, folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the name is a constant of this file
	}
	return sub
}

// overlay shows the files of both, and of two with one name the top one.
type overlay struct{ top, base fs.FS }

// Open opens a file of the top or else of the base. An opened folder lists only one
// of the two; ReadDir lists both.
func (o overlay) Open(name string) (fs.File, error) {
	file, err := o.top.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.base.Open(name)
	}
	return file, err
}

// ReadDir lists a folder of both, sorted by name.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	list, topErr := fs.ReadDir(o.top, name)
	below, err := fs.ReadDir(o.base, name)
	if err != nil && topErr != nil {
		return nil, err
	}
	for _, e := range below {
		if !slices.ContainsFunc(list, func(t fs.DirEntry) bool { return t.Name() == e.Name() }) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}
