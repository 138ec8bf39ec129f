package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// Bounds on what a bundle may make whoever reads it do.
const (
	maxManifest = 64 << 20 // bytes; that of a thousand items has one or two million
	maxEntries  = 100_000
	maxProblems = 100
)

// Report is what Verify found.
type Report struct {
	Manifest Manifest     `json:"manifest"`
	Record   audit.Report `json:"record"`
	Problems []string     `json:"problems"` // none: the bundle is whole
	More     int          `json:"more_problems,omitempty"`
}

// OK reports that nothing was found to be wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) wrong(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Verify reads a bundle once, writes nothing to disk, and says everything that is wrong
// with it. public is the key that the reader was given by another way: 64 hex digits. The
// error is one of reading; whatever the bytes say is in the report.
//
// It is found: a byte that was changed, anywhere; an item that is missing, or was added;
// a name, source, size or digest that is not the one the record was written with; a line
// of custody that is not in the record; and whatever package audit finds in the record.
func Verify(r io.Reader, public string) (Report, error) {
	v := &verifying{public: public, files: map[string]File{}, hashes: map[Place]string{}, kept: map[Place]keptLine{}, shared: map[Place]sharedLine{}}
	v.Problems = []string{}
	raw, again := sha256.New(), sha256.New()
	broken := &remembering{r: r}
	in := io.TeeReader(broken, raw)
	v.again = tar.NewWriter(again)
	v.entries(tar.NewReader(in))
	_, _ = io.Copy(io.Discard, in) // what comes after the end counts too
	if broken.err != nil {
		return v.Report, fmt.Errorf("read the bundle: %w", broken.err)
	}
	v.judge()
	if err := v.again.Close(); err != nil || digest(raw) != digest(again) {
		v.wrong("the file is not written as Tocsin writes it: bytes were changed, added or cut off between what is in it")
	}
	return v.Report, nil
}

// remembering tells an error of reading from what the bytes say.
type remembering struct {
	r   io.Reader
	err error
}

func (m *remembering) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}

type verifying struct {
	Report
	public string
	again  *tar.Writer // writes the bundle anew, as Tocsin would

	files     map[string]File
	order     []string
	voucher   audit.Voucher
	manifest  []byte
	signature []byte

	hashes map[Place]string // of every line of the record
	kept   map[Place]keptLine
	shared map[Place]sharedLine
}

func (v *verifying) entries(in *tar.Reader) {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			v.wrong("the file is cut, or is no tar that Tocsin writes")
			return
		}
		// No other form: a sparse file of a few bytes could have us read zeroes for years.
		if h.Typeflag != tar.TypeReg || h.Format != tar.FormatUSTAR || len(v.files) == maxEntries {
			v.wrong("%q is no file of a bundle", printable(h.Name))
			return
		}
		if _, twice := v.files[h.Name]; twice {
			v.wrong("%q is here twice", printable(h.Name))
			return
		}
		if err := v.again.WriteHeader(header(h.Name, h.Size)); err != nil {
			v.wrong("%q is a name that Tocsin writes nowhere", printable(h.Name))
			return
		}
		if err := v.entry(h, in); err != nil {
			v.wrong("%q is cut", printable(h.Name))
			return
		}
	}
}

func (v *verifying) entry(h *tar.Header, in io.Reader) error {
	sum := sha256.New()
	r := io.TeeReader(in, io.MultiWriter(sum, v.again))
	var err error
	switch h.Name {
	case recordName:
		v.Record, v.voucher, err = audit.VerifyEach(r, v.public, nil, v.line)
	case manifestName:
		v.manifest, err = io.ReadAll(io.LimitReader(r, maxManifest))
	case signatureName:
		v.signature, err = io.ReadAll(io.LimitReader(r, maxManifest))
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r) // what is left of it
	}
	v.files[h.Name] = File{h.Name, h.Size, digest(sum)}
	v.order = append(v.order, h.Name)
	return err
}

// as reads JSON as T and insists that it is written as Tocsin writes it.
func as[T any](b []byte) (t T, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&t) != nil {
		return t, false
	}
	again, err := encode(t)
	return t, err == nil && bytes.Equal(again, b)
}

// judge holds everything against everything else, once all of it was read.
func (v *verifying) judge() {
	for _, name := range []string{recordName, manifestName, signatureName} {
		if _, ok := v.files[name]; !ok {
			v.wrong("%s is not here", name)
		}
	}
	for _, p := range v.Record.Problems {
		v.wrong("the record: %s", p)
	}
	m, ok := as[Manifest](v.manifest)
	v.Manifest = m
	if !ok || m.Type != kind || m.V != version {
		v.wrong("the manifest is not written as Tocsin writes it, or is of another version")
		return
	}
	s, ok := as[Signature](v.signature)
	if !ok || s.At != m.At || !v.voucher.Signed(s.Key, s.At, s.Sig, statement(m, v.files[manifestName].SHA256, s)...) {
		v.wrong("the manifest is not signed by a key that the key you gave vouches for: it was changed, or is somebody else's")
	}
	if m.Record != v.files[recordName] {
		v.wrong("the record is not the one that the manifest speaks of")
	}
	if m.Workspace != v.Record.Workspace || !slices.ContainsFunc(v.Record.Streams, func(s audit.Stream) bool { return s.ID == m.Incident }) {
		v.wrong("the record is not that of %s", printable(m.Incident))
	}
	v.items(m)
}

func (v *verifying) items(m Manifest) {
	erased := map[string]bool{}
	for _, e := range v.Record.Erased {
		erased[e.Ref] = true
	}
	named, paths := map[item]bool{}, []string{recordName}
	for i, it := range m.Items {
		if it.N != i+1 {
			v.wrong("item %d is numbered %d", i+1, it.N)
		}
		at := item{it.Line, it.Index}
		if named[at] {
			v.wrong("item %d is the same as one before it", it.N)
		}
		named[at] = true
		if it.State == Kept {
			paths = append(paths, it.Path)
		}
		v.item(m, it, erased)
	}
	for at, k := range v.kept {
		for i := range max(len(k.items), 1) {
			if !named[item{at, i}] && (len(k.items) > 0 || k.file != "") {
				v.wrong("line %d of %s says that something was kept, and it is not here", at.Seq, printable(at.Stream))
			}
		}
	}
	if paths = append(paths, manifestName, signatureName); !slices.Equal(paths, v.order) {
		v.wrong("the files are not those that the manifest names, in its order")
	}
}

// item is one of those that a line of the record speaks of.
type item struct {
	at    Place
	index int
}

func (v *verifying) item(m Manifest, it Item, erased map[string]bool) {
	what := fmt.Sprintf("item %d (%s)", it.N, printable(it.Name))
	k, ok := v.kept[it.Line]
	if !ok || it.Index < 0 || k.file == "" && it.Index >= len(k.items) || k.file != "" && it.Index != 0 {
		v.wrong("%s: the record has no line that says it was kept", what)
		return
	}
	for _, c := range it.Custody {
		if v.hashes[c.Place] != c.Hash || c.Hash == "" {
			v.wrong("%s: line %d of %s, of its custody, is not in the record", what, c.Seq, printable(c.Stream))
		}
	}
	if !slices.ContainsFunc(it.Custody, func(c Custody) bool { return c.Place == it.Line }) {
		v.wrong("%s: its custody lacks the line that says it was kept", what)
	}
	texts := v.opened(what, it)
	var key string
	if k.file != "" {
		key = v.ofFile(what, it, k, texts)
	} else {
		key = v.ofDeed(what, it, k.items[it.Index], texts)
	}
	switch {
	case it.State == Kept && erased[key]:
		v.wrong("%s: the record says that it was erased, and it is still here", what)
	case it.State == Erased && !erased[key]:
		v.wrong("%s: it is not here, and no line of the record says that it was erased", what)
	case it.State == Lost:
		v.wrong("%s: %s", what, printable(it.Why))
	case it.State == Kept:
		if f, here := v.files[it.Path]; !here || it.Path != pathOf(it) {
			v.wrong("%s: its content is not here", what)
		} else if f.SHA256 != it.SHA256 || f.Size != it.Size {
			v.wrong("%s: its content was changed", what)
		}
	case it.State != Away && it.State != Never && it.State != Erased:
		v.wrong("%s: it is in a state that nobody knows", what)
	}
	if it.State != Kept && it.Path != "" {
		v.wrong("%s: it has a content that it should not have", what)
	}
}

// opened are the texts of an item by what they are committed to by, those only that are
// what the commitment was made of.
func (v *verifying) opened(what string, it Item) map[string]string {
	texts := map[string]string{}
	for _, t := range it.Texts {
		sum := sha256.New()
		salt, ok := unhex(t.Salt)
		_, _ = sum.Write(salt)
		_, _ = sum.Write([]byte(t.Text))
		if !ok || digest(sum) != t.Ref {
			v.wrong("%s: a text is not the one that the record was written with", what)
			continue
		}
		texts[t.Ref] = t.Text
	}
	return texts
}

// printable keeps what a forged bundle says from moving a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
