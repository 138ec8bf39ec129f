package incident

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// KeptState says what has become of a piece of evidence.
type KeptState string

// The states.
const (
	KeptHere      KeptState = "kept"             // its content is in the evidence store
	KeptAway      KeptState = "kept by a vendor" // Ref says where; nothing of it is here
	KeptNot       KeptState = "not kept"         // Why says so
	KeptDestroyed KeptState = "erased"           // its key is destroyed
)

// Evidence is one thing that was kept, or could not be, as the record tells it. N counts
// from 1 in the order in which things were kept and stays the same.
type Evidence struct {
	N      int
	State  KeptState
	Name   string
	From   string // what it was read from
	Type   string // media type
	Size   int64  // bytes
	SHA256 string // of the content
	Stored string // its name in the evidence store
	Key    string // what it is encrypted with, as it was put down; "" where it is erased
	Ref    string // what the vendor keeps
	Why    string // it was not kept, or was erased
	Deed   int    // it was kept before this deed; 0: it was shared in the room
	Target int    // of the deed's targets, from 0
	Author string // Slack account of who shared it
	By     PersonID
	At     time.Time
	// Line is where the record says that it was kept, and Index which of the items of that
	// line it is.
	Line  CustodyLine
	Index int
	// Custody are the lines that tell of it, in order.
	Custody []CustodyLine
	// Keys are the Refs of the texts that hold its key in this record, or held it: who
	// erases them has erased it.
	Keys []string
	// Opens are the Refs of the texts that say what it is: name, source, receipt. Those of
	// files hold the key too.
	Opens []string
}

// CustodyLine is a line of the record that tells of a piece of evidence.
type CustodyLine struct {
	Stream ID // with "/room" at its end for what was captured
	Seq    int64
	At     time.Time
	By     PersonID
	What   string
	Hash   string
}

// RoomStream is how the stream of what was captured is called in an export.
func RoomStream(id ID) ID { return id + "/room" }

// EvidenceIn folds the record of an incident, and what was captured of its room, into
// what was kept. Texts have to be filled.
func EvidenceIn(lines []Recorded, room []Captured) []Evidence {
	deeds := map[int]Recorded{}
	var all []Evidence
	for _, r := range lines {
		switch e := r.Event.(type) {
		case ActionRequested:
			deeds[e.N] = r
		case EvidenceKept:
			for i := range e.Items {
				all = append(all, keptBefore(r, e, i, deeds[e.N]))
			}
		}
	}
	all = append(all, filesIn(room)...)
	slices.SortStableFunc(all, func(a, b Evidence) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Line.Stream, b.Line.Stream), cmp.Compare(a.Line.Seq, b.Line.Seq), a.Index-b.Index)
	})
	for i := range all {
		all[i].N = i + 1
		all[i].follow(lines)
	}
	return all
}

func keptBefore(r Recorded, kept EvidenceKept, index int, asked Recorded) Evidence {
	it := kept.Items[index]
	e := Evidence{
		State: KeptHere, Name: it.Name.String(), From: it.From.String(), Type: it.Type, Size: it.Size, SHA256: it.SHA256, Stored: it.ID, Key: it.Key.Text,
		Ref: it.Ref.Text, Deed: kept.N, Target: kept.Index, By: asked.By, At: r.At, Line: custodyOf(r, "kept before the deed"), Index: index,
		Opens: []string{it.Name.Ref, it.From.Ref, it.Ref.Ref},
	}
	switch {
	case it.ID == "" && it.Key.IsZero():
		e.State = KeptAway
	case it.Key.Text == "":
		e.State = KeptDestroyed
	}
	if e.State == KeptHere || e.State == KeptDestroyed {
		e.Keys = []string{it.Key.Ref}
	}
	if asked.Seq != 0 {
		e.Custody = append(e.Custody, custodyOf(asked, "the deed was asked for"))
	}
	e.Custody = append(e.Custody, e.Line)
	return e
}

// fileSaid is what a captured line says of a file, and of where its content is.
type fileSaid struct {
	Name string `json:"name"`
	Type string `json:"mimetype"`
	Why  string `json:"why"`
	Kept *struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
		Stored string `json:"stored"`
		Key    string `json:"key"`
	} `json:"kept"`
}

func filesIn(room []Captured) []Evidence {
	shared := map[string]Captured{} // by message and file
	var all []Evidence
	for _, c := range room {
		switch c.Kind {
		case FileShared:
			shared[strings.TrimPrefix(c.Name, "file:")] = c
		case FileKept:
			all = append(all, fileKept(c, shared))
		}
	}
	return all
}

func saidOfFile(c Captured) (f fileSaid) {
	_ = json.Unmarshal([]byte(c.File.Text), &f) // erased: nothing is known
	return f
}

func fileKept(c Captured, shared map[string]Captured) Evidence {
	f := saidOfFile(c)
	// The line's name is "kept:<message>:<file>", or "unkept:<message>:<file>:<why>", also
	// when what it says is erased.
	of := strings.SplitN(c.Name, ":", 4)
	e := Evidence{State: KeptNot, From: "shared in the room", Why: f.Why, Author: c.Author, By: c.By, At: c.At, Line: capturedCustody(c, "its content was fetched"), Opens: []string{c.File.Ref}}
	if was, ok := shared[strings.Join(of[min(1, len(of)):min(3, len(of))], ":")]; ok {
		about := saidOfFile(was)
		e.Name, e.Type, e.Author, e.Opens = about.Name, about.Type, was.Author, append(e.Opens, was.File.Ref)
		if was.By != "" {
			e.By = was.By
		}
		e.Custody = append(e.Custody, capturedCustody(was, "it was shared"))
	}
	switch {
	case f.Kept != nil:
		e.State, e.SHA256, e.Size, e.Stored, e.Key = KeptHere, f.Kept.SHA256, f.Kept.Size, f.Kept.Stored, f.Kept.Key
		e.Keys = []string{c.File.Ref}
	case c.File.Text == "":
		e.State, e.Keys = KeptDestroyed, []string{c.File.Ref}
	default:
		e.Line.What = "its content could not be had"
	}
	e.Custody = append(e.Custody, e.Line)
	return e
}

// follow adds what happened afterwards: copies handed over, legal holds, erasure.
func (e *Evidence) follow(lines []Recorded) {
	for _, r := range lines {
		switch said := r.Event.(type) {
		case EvidenceExported:
			if !r.At.Before(e.At) {
				e.Custody = append(e.Custody, custodyOf(r, "a copy was handed over"))
			}
		case LegalHoldSet:
			e.Custody = append(e.Custody, custodyOf(r, "a legal hold was set"))
		case LegalHoldLifted:
			e.Custody = append(e.Custody, custodyOf(r, "the legal hold was lifted"))
		case EvidenceErased:
			for _, it := range said.Items {
				if it.Stream == e.Line.Stream && it.Line == e.Line.Seq && it.Index == e.Index {
					e.SHA256, e.Size, e.Stored, e.Why = it.SHA256, it.Size, it.Stored, said.Why
					e.Custody = append(e.Custody, custodyOf(r, "it was erased"))
				}
			}
		case Redacted:
			if e.State == KeptDestroyed && slices.ContainsFunc(e.Keys, func(ref string) bool { return has(said.Refs, ref) }) {
				e.Why = said.Why
				e.Custody = append(e.Custody, custodyOf(r, "it was erased"))
			}
		}
	}
}

func custodyOf(r Recorded, what string) CustodyLine {
	return CustodyLine{r.Stream, r.Seq, r.At, r.By, what, r.Hash}
}

func capturedCustody(c Captured, what string) CustodyLine {
	return CustodyLine{RoomStream(c.Stream), c.Seq, c.At, c.By, what, c.Hash}
}

// ContentKey is the key of the content; it errs where there is none any more.
func (e Evidence) ContentKey() ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(e.Key)
	if err != nil || len(key) == 0 {
		return nil, errors.New("the key of its content is not there")
	}
	return key, nil
}
