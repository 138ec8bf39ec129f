package bundle

import (
	"encoding/hex"
	"encoding/json"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// The two kinds of line that say that something was kept are known here by their names
// and members; docs/events.md and docs/audit.md have them.

// keptLine is a line that says what was kept: before a deed, several; or one file.
type keptLine struct {
	items []keptItem
	file  string // commitment to the receipt of a file
	ts    string // the message it was shared with
}

type ref struct {
	Ref string `json:"ref"`
}

type keptItem struct {
	Name   ref    `json:"name"`
	From   ref    `json:"from"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	ID     string `json:"id"`
	Key    ref    `json:"key"`
	Ref    ref    `json:"ref"`
}

// sharedLine says that a file was shared: its name is behind the commitment.
type sharedLine struct{ file, ts string }

// line looks at a line of the record as it is read.
func (v *verifying) line(l audit.Line) {
	at := Place{l.Stream, l.Seq}
	v.hashes[at] = l.Hash
	switch l.Kind {
	case "evidence_kept":
		var said struct {
			Items []keptItem `json:"items"`
		}
		if json.Unmarshal([]byte(l.Data), &said) == nil {
			v.kept[at] = keptLine{items: said.Items}
		}
	case "captured":
		var said struct {
			What string `json:"what"`
			TS   string `json:"ts"`
			File ref    `json:"file"`
		}
		if json.Unmarshal([]byte(l.Data), &said) != nil {
			return
		}
		switch said.What {
		case "file_kept":
			v.kept[at] = keptLine{file: said.File.Ref, ts: said.TS}
		case "file":
			v.shared[at] = sharedLine{said.File.Ref, said.TS}
		}
	}
}

// ofDeed holds an item that was kept before a deed against its line, and returns what
// its key is committed to by.
func (v *verifying) ofDeed(what string, it Item, k keptItem, texts map[string]string) (key string) {
	if it.SHA256 != k.SHA256 || it.Size != k.Size {
		v.wrong("%s: size or digest is not the one in the record", what)
	}
	v.said(what, "name", it.Name, k.Name.Ref, texts)
	v.said(what, "source", it.From, k.From.Ref, texts)
	if it.State == Away && k.ID != "" {
		v.wrong("%s: the record says that its content was kept, and it is not here", what)
	}
	if it.State == Away {
		v.said(what, "place at the vendor", it.Ref, k.Ref.Ref, texts)
	}
	return k.Key.Ref
}

// said holds what the manifest says against what the record was written with. A text
// that was erased cannot be held against anything, and then reads so.
func (v *verifying) said(what, which, is, ref string, texts map[string]string) {
	if was, ok := texts[ref]; ok && was == is || ref == "" && is == "" || !ok && is == erasedText {
		return
	}
	v.wrong("%s: its %s is not the one in the record", what, which)
}

// erasedText stands for a text that is gone.
const erasedText = "[erased]"

// ofFile holds a file shared in the room against the line that says its content was
// fetched, and the one that says it was shared.
func (v *verifying) ofFile(what string, it Item, k keptLine, texts map[string]string) (key string) {
	var receipt struct {
		ID   string `json:"id"`
		Why  string `json:"why"`
		Kept *struct {
			SHA256 string `json:"sha256"`
			Size   int64  `json:"size"`
		} `json:"kept"`
	}
	text, open := texts[k.file]
	if open && json.Unmarshal([]byte(text), &receipt) != nil {
		open = false
	}
	switch {
	case it.State == Erased && !open:
	case !open:
		v.wrong("%s: the receipt of its content is not here", what)
	case receipt.Kept == nil && it.State != Never:
		v.wrong("%s: the record says that it was not kept", what)
	case receipt.Kept != nil && (it.State == Never || it.SHA256 != receipt.Kept.SHA256 || it.Size != receipt.Kept.Size):
		v.wrong("%s: size or digest is not the one in the record", what)
	}
	v.named(what, it, k, receipt.ID, texts)
	return k.file
}

// named finds the name of a file in the line that says it was shared.
func (v *verifying) named(what string, it Item, k keptLine, id string, texts map[string]string) {
	for _, c := range it.Custody {
		s, ok := v.shared[c.Place]
		if !ok || s.ts != k.ts {
			continue
		}
		var about struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		}
		text, open := texts[s.file]
		if !open && it.Name == "" {
			return // erased
		}
		if !open || json.Unmarshal([]byte(text), &about) != nil || about.Name != it.Name || id != "" && about.ID != id {
			v.wrong("%s: its name is not the one in the record", what)
		}
		return
	}
	if it.Name != "" {
		v.wrong("%s: no line of the record gives it its name", what)
	}
}

func unhex(s string) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) > 0
}
