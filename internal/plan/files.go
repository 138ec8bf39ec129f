package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read. A plan is written by people and read by people.
const (
	maxFiles = 200
	maxFile  = 1 << 20 // bytes
	maxPlan  = 8 << 20 // bytes, all files together
)

// The files at the top of the folder; the types/ folder has one file per incident type.
const (
	peopleFile     = "people.yaml"
	rolesFile      = "roles.yaml"
	severitiesFile = "severities.yaml"
	laddersFile    = "ladders.yaml"
	rightsFile     = "rights.yaml"
	settingsFile   = "settings.yaml"
	assetsFile     = "assets.yaml"
	typesFolder    = "types"
)

var topFiles = []string{peopleFile, rolesFile, severitiesFile, laddersFile, rightsFile, settingsFile, assetsFile, drillsFile, grantsFile}

// texts are the files of a plan by their path.
type texts map[string][]byte

func (t texts) names() []string { return slices.Sorted(maps.Keys(t)) }

// collect reads the YAML files of a plan's folder. Other files, a README say, and
// whatever begins with a dot are no part of the plan.
func collect(fsys fs.FS, f *found) texts {
	t := texts{}
	t.folder(fsys, ".", f)
	if _, err := fs.Stat(fsys, typesFolder); err == nil {
		t.folder(fsys, typesFolder, f)
	}
	total := 0
	for _, text := range t {
		total += len(text)
	}
	if len(t) > maxFiles {
		f.add(Problem{File: ".", Why: fmt.Sprintf("more than %d files", maxFiles)})
	}
	if total > maxPlan {
		f.add(Problem{File: ".", Why: fmt.Sprintf("more than %d bytes in all", maxPlan)})
	}
	return t
}

func (t texts) folder(fsys fs.FS, folder string, f *found) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		f.add(Problem{File: folder, Why: "cannot be listed: " + reason(err)})
		return
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !isYAML(name) {
			continue
		}
		if len(t) > maxFiles {
			return
		}
		if name == casesFile {
			continue // read by "plan test" only
		}
		if why, hint := misplaced(name); why != "" {
			f.add(Problem{File: name, Why: why, Hint: hint})
			continue
		}
		text, err := readBounded(fsys, name)
		if err != nil {
			f.add(Problem{File: name, Why: reason(err)})
		}
		t[name] = text
	}
}

func isYAML(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yaml" || ext == ".yml"
}

// misplaced says why a file is no part of a plan. A file that is quietly not read
// would be a rule that is quietly not kept.
func misplaced(name string) (why, hint string) {
	stem, yaml := strings.CutSuffix(name, ".yaml")
	if !yaml {
		return "files of a plan end in .yaml", "name it " + strings.TrimSuffix(name, path.Ext(name)) + ".yaml"
	}
	if kind, isType := strings.CutPrefix(stem, typesFolder+"/"); isType {
		if !isWord(kind) {
			return fmt.Sprintf("%q cannot be the name of an incident type", kind), "use lower-case letters, digits and dashes"
		}
		return "", ""
	}
	if !slices.Contains(topFiles, name) {
		return "no file of a plan has this name", didYouMean(name, topFiles)
	}
	return "", ""
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("larger than %d bytes", maxFile)
	}
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8 text")
	}
	return text, nil
}

// reason is an error without the path it repeats.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Op + ": " + p.Err.Error()
	}
	return err.Error()
}

const canonicalHead = "tocsin plan 1\n"

// canonical is all files in one piece, in the order of their names: for each
// "<bytes of the text> <name>\n<text>\n". Two plans are the same exactly if these are.
func (t texts) canonical() []byte {
	var b bytes.Buffer
	b.WriteString(canonicalHead)
	for _, name := range t.names() {
		fmt.Fprintf(&b, "%d %s\n", len(t[name]), name)
		b.Write(t[name])
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func (t texts) digest() string {
	sum := sha256.Sum256(t.canonical())
	return "sha256:" + hex.EncodeToString(sum[:])
}

var errNotCanonical = errors.New("not the files of a plan, or cut short")

// uncanonical is the way back.
func uncanonical(b []byte) (texts, error) {
	rest, ok := bytes.CutPrefix(b, []byte(canonicalHead))
	if !ok || len(b) > maxPlan+1<<20 {
		return nil, errNotCanonical
	}
	t := texts{}
	for len(rest) > 0 {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		size, name, spaced := strings.Cut(string(line), " ")
		n, err := strconv.Atoi(size)
		if !ok || !spaced || err != nil || n < 0 || n > maxFile || n+1 > len(after) || after[n] != '\n' || len(t) >= maxFiles {
			return nil, errNotCanonical
		}
		if why, _ := misplaced(name); why != "" || !fs.ValidPath(name) || t[name] != nil || !utf8.Valid(after[:n]) {
			return nil, errNotCanonical
		}
		t[name] = bytes.Clone(after[:n:n])
		if t[name] == nil {
			t[name] = []byte{}
		}
		rest = after[n+1:]
	}
	return t, nil
}
