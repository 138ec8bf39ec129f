// Package bundle writes what was kept of an incident into one file that can be handed
// over, and verifies such a file for somebody who has nothing but it and a public key.
//
// The file is a tar: record.jsonl is the record of the incident without what people
// wrote, as package audit exports and proves it; content/ has what was kept, decrypted,
// each under a name that is safe on any disk; manifest.json says of each item what it is,
// where from, who, when, size, SHA-256, and which lines of the record tell of it;
// signature.json is the signature over the manifest. docs/evidence.md has the form.
//
// Nothing is believed because the manifest says so: sizes, digests, names and sources
// are held against commitments in the record, every item that the record speaks of has
// to be there, and no byte of the file is left over. Start with Verify.
package bundle

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// What stands beside the contents.
const (
	recordName    = "record.jsonl"
	manifestName  = "manifest.json"
	signatureName = "signature.json"
)

const (
	kind    = "tocsin-evidence"
	version = 1
)

// Manifest is what a bundle says of itself. Times are unix milliseconds.
type Manifest struct {
	Type      string `json:"type"`
	V         int    `json:"v"`
	Workspace string `json:"workspace"`
	Incident  string `json:"incident"`
	At        int64  `json:"at"`
	By        string `json:"by"` // who took it
	To        string `json:"to"` // for whom
	LegalHold bool   `json:"legal_hold"`
	Record    File   `json:"record"`
	Items     []Item `json:"items"`
}

// File is a file of the bundle.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// State says what has become of an item.
type State string

// The states.
const (
	Kept   State = "kept"             // its content is here
	Away   State = "kept by a vendor" // Ref says where
	Never  State = "not kept"         // Why says so
	Erased State = "erased"           // the record says by whom and why
	Lost   State = "lost"             // it should be in the store and is not, or was changed there
)

// Item is a piece of evidence. N counts from 1.
type Item struct {
	N       int       `json:"n"`
	State   State     `json:"state"`
	Path    string    `json:"path,omitempty"` // of the content, where it is here
	Name    string    `json:"name"`
	From    string    `json:"from"`
	Type    string    `json:"type,omitempty"` // media type, as it was told
	Size    int64     `json:"size"`
	SHA256  string    `json:"sha256,omitempty"`
	By      string    `json:"by,omitempty"`     // person who asked for the deed, or shared the file
	Author  string    `json:"author,omitempty"` // Slack account
	At      int64     `json:"at"`
	Deed    int       `json:"deed,omitempty"` // kept before this containment request
	Ref     string    `json:"ref,omitempty"`  // what the vendor keeps
	Why     string    `json:"why,omitempty"`
	Line    Place     `json:"line"`            // where the record says that it was kept
	Index   int       `json:"index,omitempty"` // which of the items of that line
	Custody []Custody `json:"custody"`
	// Texts open the commitments that the lines hold: name, source, receipt.
	Texts []Text `json:"texts"`
}

// Place is a line of the record.
type Place struct {
	Stream string `json:"stream"`
	Seq    int64  `json:"seq"`
}

// Custody is a line of the record that tells of an item.
type Custody struct {
	Place
	At   int64  `json:"at"`
	By   string `json:"by"`
	What string `json:"what"`
	Hash string `json:"hash"` // of the line
}

// Text is a sealed text opened: Ref is the hex SHA-256 of salt and text.
type Text struct {
	Ref  string `json:"ref"`
	Salt string `json:"salt"` // hex
	Text string `json:"text"`
}

// Signature is over the digest of the manifest.
type Signature struct {
	Key string `json:"key"`
	At  int64  `json:"at"`
	Sig string `json:"sig"`
}

func statement(m Manifest, manifestSHA string, s Signature) []any {
	return []any{"tocsin evidence bundle 1", m.Workspace, m.Incident, manifestSHA, s.At, s.Key}
}

// Parts are what a bundle is made of.
type Parts struct {
	Manifest Manifest      // with items; paths, digests of files and Lost are filled in here
	Record   io.ReadSeeker // the export of the record, without texts
	// Open gives an item's content. An error that Gone is true of means that it is lost;
	// any other ends the writing.
	Open   func(Item) (io.ReadCloser, error)
	Gone   func(error) bool
	Signer audit.Signer
}

// Write writes a bundle and returns its manifest. What is lost is named in it, and is no
// error: Verify says so.
func Write(w io.Writer, p Parts) (Manifest, error) {
	m := p.Manifest
	m.Type, m.V = kind, version
	out := tar.NewWriter(w)
	size, err := p.Record.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = p.Record.Seek(0, io.SeekStart)
	}
	if err == nil {
		m.Record, err = put(out, recordName, size, p.Record)
	}
	if err != nil {
		return m, fmt.Errorf("write the record: %w", err)
	}
	for i := range m.Items {
		if m.Items[i].State != Kept {
			continue
		}
		if err := content(out, &m.Items[i], p); err != nil {
			return m, fmt.Errorf("write item %d: %w", m.Items[i].N, err)
		}
	}
	said, err := encode(m)
	if err != nil {
		return m, fmt.Errorf("write the manifest: %w", err)
	}
	f, err := put(out, manifestName, int64(len(said)), strings.NewReader(string(said)))
	if err != nil {
		return m, fmt.Errorf("write the manifest: %w", err)
	}
	s := Signature{Key: p.Signer.ID(), At: m.At}
	s.Sig = p.Signer.Sign(statement(m, f.SHA256, s)...)
	if said, err = encode(s); err == nil {
		_, err = put(out, signatureName, int64(len(said)), strings.NewReader(string(said)))
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return m, fmt.Errorf("write the signature: %w", err)
	}
	return m, nil
}

func content(out *tar.Writer, it *Item, p Parts) error {
	r, err := p.Open(*it)
	if err != nil && p.Gone(err) {
		it.State, it.Why = Lost, "its content was not in the evidence store, or was changed there, when this was made"
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	f, err := put(out, pathOf(*it), it.Size, r)
	if err == nil && f.SHA256 != it.SHA256 {
		err = fmt.Errorf("its content is not what the record says: %s", f.SHA256)
	}
	it.Path = f.Path
	return err
}

// header is the one way an entry is written, so that every byte of a bundle follows
// from what is in it.
func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
}

func put(out *tar.Writer, name string, size int64, r io.Reader) (File, error) {
	if err := out.WriteHeader(header(name, size)); err != nil {
		return File{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), r)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return File{name, n, digest(sum)}, err
}

func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func encode(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

// pathOf is a name that leads nowhere on any disk, whatever the item is called: the
// number makes it unique and keeps it from being anything that a system reserves.
func pathOf(it Item) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, it.Name)
	if len(safe) > 60 {
		safe = safe[len(safe)-60:] // the ending says what it is
	}
	if safe = strings.Trim(safe, "."); safe == "" {
		safe = "item"
	}
	return fmt.Sprintf("content/E%04d-%s", it.N, safe)
}
