package containment_test

import (
	"io/fs"
	"testing/fstest"
)

// overlay is a folder with some files of it replaced or added.
type overlay struct {
	fs.FS
	files map[string]string
}

func (o overlay) Open(name string) (fs.File, error) {
	m := fstest.MapFS{}
	err := fs.WalkDir(o.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(o.FS, path)
		m[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		return nil, err
	}
	for f, text := range o.files {
		m[f] = &fstest.MapFile{Data: []byte(text)}
	}
	return m.Open(name)
}
