package bundle_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/evidence/bundle"
)

// golden is a bundle of long ago: testdata keeps every form ever written.
func golden(t testing.TB) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", "bundle-v1.tar"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// key is the one that signed it, so that what its owner could forge is tried too.
func key(t testing.TB) audit.Signer {
	s, err := audit.NewSigner(bytes.Repeat([]byte{0x6b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verify(t testing.TB, b []byte) bundle.Report {
	r, err := bundle.Verify(bytes.NewReader(b), key(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestABundleOfLongAgoIsRead(t *testing.T) {
	r := verify(t, golden(t))
	if !r.OK() || len(r.Manifest.Items) != 6 || r.Manifest.To != "State police" {
		t.Fatalf("%+v", r.Problems)
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil || !strings.Contains(b.String(), "The bundle is whole: 6 items") {
		t.Error(b.String(), err)
	}
	other, err := bundle.Verify(bytes.NewReader(golden(t)), strings.Repeat("ab", 32))
	if err != nil || other.OK() {
		t.Error("a key that signed nothing vouched for it", err)
	}
}

// No byte of it can be changed, be it content, padding or the time of a file, nor cut
// off, nor added.
func TestEveryChangedByteIsFound(t *testing.T) {
	whole := golden(t)
	stride := 17
	if testing.Short() {
		stride = 251
	}
	for i := 0; i < len(whole); i += stride {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		if r := verify(t, b); r.OK() {
			t.Fatalf("byte %d was changed, and nobody noticed", i)
		}
	}
	for _, n := range []int{0, 1, 511, 512, 1024, len(whole) / 2, len(whole) - 1024, len(whole) - 1} {
		if r := verify(t, whole[:n]); r.OK() {
			t.Errorf("cut to %d bytes, and nobody noticed", n)
		}
	}
	for _, more := range []string{"\x00", "x", strings.Repeat("\x00", 512)} {
		if r := verify(t, append(bytes.Clone(whole), more...)); r.OK() {
			t.Error("bytes were added, and nobody noticed")
		}
	}
}

type entry struct {
	h    tar.Header
	body []byte
}

func unpacked(t *testing.T, b []byte) (all []entry) {
	for in := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, body})
	}
}

func packed(t *testing.T, all []entry) []byte {
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for _, e := range all {
		h := e.h
		h.Size = int64(len(e.body))
		if err := out.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func indented(t *testing.T, v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// resigned changes the manifest and signs it with the very key that signs.
func resigned(t *testing.T, all []entry, change func(*bundle.Manifest)) []entry {
	n := len(all)
	var m bundle.Manifest
	if err := json.Unmarshal(all[n-2].body, &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	all[n-2].body = indented(t, m)
	sum := sha256.Sum256(all[n-2].body)
	s := bundle.Signature{Key: key(t).ID(), At: m.At}
	s.Sig = key(t).Sign("tocsin evidence bundle 1", m.Workspace, m.Incident, hex.EncodeToString(sum[:]), s.At, s.Key)
	all[n-1].body = indented(t, s)
	return all
}

// Whoever has the key that signs can sign anything; the record, whose heads are signed
// and kept elsewhere too, still says what each item is.
func TestASignedLieIsFound(t *testing.T) {
	change := func(f func(*bundle.Manifest)) func(*testing.T, []entry) []entry {
		return func(t *testing.T, all []entry) []entry { return resigned(t, all, f) }
	}
	content := func(t *testing.T, all []entry, name, text string) []entry {
		for i := range all {
			if all[i].h.Name == name {
				all[i].body = []byte(text)
			}
		}
		sum := sha256.Sum256([]byte(text))
		return resigned(t, all, func(m *bundle.Manifest) {
			for i := range m.Items {
				if m.Items[i].Path == name {
					m.Items[i].SHA256, m.Items[i].Size = hex.EncodeToString(sum[:]), int64(len(text))
				}
			}
		})
	}
	for name, c := range map[string]struct {
		attack func(*testing.T, []entry) []entry
		says   string
	}{
		"nothing":               {change(func(*bundle.Manifest) {}), ""},
		"a name":                {change(func(m *bundle.Manifest) { m.Items[1].Name = "snapshot of web-4" }), "its name is not the one in the record"},
		"the name of a file":    {change(func(m *bundle.Manifest) { m.Items[5].Name = "small.img" }), "its name is not the one in the record"},
		"a source":              {change(func(m *bundle.Manifest) { m.Items[0].From = "entra" }), "its source is not the one in the record"},
		"a place at a vendor":   {change(func(m *bundle.Manifest) { m.Items[1].Ref = "snap-9999" }), "its place at the vendor is not the one"},
		"a line of custody":     {change(func(m *bundle.Manifest) { m.Items[0].Custody[0].Hash = strings.Repeat("0", 64) }), "of its custody, is not in the record"},
		"a custody cut short":   {change(func(m *bundle.Manifest) { m.Items[0].Custody = m.Items[0].Custody[:1] }), "lacks the line that says it was kept"},
		"another line":          {change(func(m *bundle.Manifest) { m.Items[0].Line.Seq = 1 }), "no line that says it was kept"},
		"another index":         {change(func(m *bundle.Manifest) { m.Items[0].Index = 2 }), "is not the one in the record"},
		"called erased":         {change(func(m *bundle.Manifest) { m.Items[0].State, m.Items[0].Path = bundle.Erased, "" }), "no line of the record says that it was erased"},
		"called never kept":     {change(func(m *bundle.Manifest) { m.Items[3].State, m.Items[3].Path = bundle.Never, "" }), "size or digest is not the one"},
		"called the vendor's":   {change(func(m *bundle.Manifest) { m.Items[0].State, m.Items[0].Path = bundle.Away, "" }), "and it is not here"},
		"a text of another":     {change(func(m *bundle.Manifest) { m.Items[0].Texts[0].Text = "x" }), "a text is not the one"},
		"a path that leads out": {change(func(m *bundle.Manifest) { m.Items[0].Path = "../../x" }), "its content is not here"},
		"a content": {func(t *testing.T, all []entry) []entry {
			return content(t, all, "content/E0001-factors.json", "no factors")
		}, "size or digest is not the one in the record"},
		"a content of a file": {func(t *testing.T, all []entry) []entry { return content(t, all, "content/E0004-a.pcap", "quiet") }, "size or digest is not the one in the record"},
		"an item left out": {func(t *testing.T, all []entry) []entry {
			all = append(all[:1:1], all[2:]...)
			return resigned(t, all, func(m *bundle.Manifest) {
				m.Items = m.Items[1:]
				for i := range m.Items {
					m.Items[i].N = i + 1
				}
			})
		}, "says that something was kept, and it is not here"},
		"an item twice": {change(func(m *bundle.Manifest) {
			it := m.Items[1]
			it.N = 7
			m.Items = append(m.Items, it)
		}), "is the same as one before it"},
		"two contents swapped": {func(_ *testing.T, all []entry) []entry {
			all[1].body, all[2].body = all[2].body, all[1].body
			return all
		}, "its content was changed"},
		"two files swapped": {func(_ *testing.T, all []entry) []entry { all[1], all[2] = all[2], all[1]; return all }, "in its order"},
		"a file missing":    {func(_ *testing.T, all []entry) []entry { return append(all[:2:2], all[3:]...) }, "its content is not here"},
		"a file more": {func(_ *testing.T, all []entry) []entry {
			more := all[1]
			more.h.Name = "content/extra"
			return append(all[:2:2], append([]entry{more}, all[2:]...)...)
		}, "not those that the manifest names"},
		"a file twice": {func(_ *testing.T, all []entry) []entry { return append(all[:2:2], all[1:]...) }, "is here twice"},
		"a link": {func(_ *testing.T, all []entry) []entry {
			all[1].h.Typeflag, all[1].h.Linkname, all[1].body = tar.TypeSymlink, "/etc/passwd", nil
			return all
		}, "is no file of a bundle"},
		"a mode":             {func(_ *testing.T, all []entry) []entry { all[1].h.Mode = 0o4755; return all }, "not written as Tocsin writes it"},
		"a time":             {func(_ *testing.T, all []entry) []entry { all[1].h.ModTime = time.Unix(99, 0); return all }, "not written as Tocsin writes it"},
		"an owner":           {func(_ *testing.T, all []entry) []entry { all[1].h.Uname = "root"; return all }, "not written as Tocsin writes it"},
		"a record cut short": {func(_ *testing.T, all []entry) []entry { all[0].body = all[0].body[:len(all[0].body)/2]; return all }, "the record: "},
		"no record":          {func(_ *testing.T, all []entry) []entry { return all[1:] }, "record.jsonl is not here"},
		"no signature":       {func(_ *testing.T, all []entry) []entry { return all[:len(all)-1] }, "signature.json is not here"},
		"another incident":   {change(func(m *bundle.Manifest) { m.Incident = "INC-0002" }), "the record is not that of INC-0002"},
		"another form":       {change(func(m *bundle.Manifest) { m.V = 2 }), "of another version"},
		"whom it was for, unsigned": {func(_ *testing.T, all []entry) []entry {
			n := len(all) - 2
			all[n].body = bytes.Replace(all[n].body, []byte("State police"), []byte("State prison"), 1)
			return all
		}, "not signed by a key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := verify(t, packed(t, c.attack(t, unpacked(t, golden(t)))))
			all := strings.Join(r.Problems, "\n")
			if c.says == "" && !r.OK() || c.says != "" && !strings.Contains(all, c.says) {
				t.Errorf("found: %s\nwant %q", all, c.says)
			}
		})
	}
}

type brokenReader struct{ io.Reader }

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("the disk is gone")
	}
	return n, err
}

func TestAnErrorOfReadingIsNoJudgement(t *testing.T) {
	if _, err := bundle.Verify(brokenReader{bytes.NewReader(golden(t)[:3000])}, key(t).Public()); err == nil {
		t.Error("judged what could not be read")
	}
}

// A bundle comes from whoever hands it over: it is judged, whatever is in it, in bounded
// work, and no byte of it can steer the terminal that the judgement is shown on.
func FuzzVerify(f *testing.F) {
	f.Add(golden(f))
	f.Add([]byte("{}"))
	f.Add(bytes.Repeat([]byte{0}, 1024))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := bundle.Verify(bytes.NewReader(b), strings.Repeat("ab", 32))
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() {
			t.Error("a key that signed nothing vouched for a bundle")
		}
		var s strings.Builder
		if err := r.Write(&s); err != nil || strings.ContainsRune(s.String(), '\x1b') {
			t.Errorf("it steers the terminal: %q, %v", s.String(), err)
		}
	})
}
