package incident

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

type (
	// ExportEvidence is said before a bundle is handed over, so that it is part of the
	// custody that the bundle itself tells of.
	ExportEvidence struct {
		To    string // whom it goes to
		Items int
	}
	// EraseEvidence ends the time that evidence is kept for. The sweep asks it: Since is
	// when the time began, Refs are the keys, in whatever stream a copy of them stands.
	EraseEvidence struct {
		Days  int
		Since time.Time
		Items []ErasedItem
		Refs  []string
		Held  ID // another stream, under legal hold, that has a say; "" for none
	}
)

type (
	// EvidenceExported says who took a copy of what was kept, and for whom.
	EvidenceExported struct {
		To    Sealed `json:"to,omitzero"`
		Items int    `json:"items"`
	}
	// EvidenceErased says that the time evidence is kept for is over and its keys are
	// destroyed. The lines that say what it was stay.
	EvidenceErased struct {
		Days  int          `json:"days"`
		Items []ErasedItem `json:"items"`
		Refs  []string     `json:"refs"`
		Why   string       `json:"why"`
	}
)

// ErasedItem is what an item was: the line that kept it (and which of that line's
// items), its digest, and its name in the evidence store.
type ErasedItem struct {
	Stream ID     `json:"stream"`
	Line   int64  `json:"line"`
	Index  int    `json:"index,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Size   int64  `json:"size,omitempty"` // bytes
	Stored string `json:"stored,omitempty"`
}

// DestroyContents takes away what is in the evidence store of the items that the event
// says are erased. Their keys are gone already; a copy of the database may have one.
type DestroyContents struct{}

func (ExportEvidence) command() {}
func (EraseEvidence) command()  {}
func (EvidenceExported) event() {}
func (EvidenceErased) event()   {}
func (DestroyContents) effect() {}

func (d *deciding) exportEvidence(c ExportEvidence) error {
	to, err := line("name of whom it goes to", c.To, MaxName)
	if err != nil {
		return err
	}
	d.emit(EvidenceExported{Seal(to), c.Items})
	d.say(PlaceRoom, "", false)
	return nil
}

// eraseEvidence destroys what nobody has to keep any more. An incident that is open, or
// only resolved, keeps everything.
func (d *deciding) eraseEvidence(c EraseEvidence) error {
	if err := d.noErasing(c.Held); err != nil {
		return err
	}
	switch {
	case d.s.Live():
		return Refuse("not-closed", fmt.Sprintf("%s is not closed.", d.s.Stream), "")
	case c.Days < 1 || c.Since.IsZero() || c.Since.Before(d.s.Times.Closed) || d.a.At.Before(c.Since.Add(time.Duration(c.Days)*day)):
		return Refuse("too-early", "The time that evidence is kept for is not over.", "")
	case len(c.Items) == 0:
		return nil
	}
	d.emit(EvidenceErased{c.Days, c.Items, c.Refs, fmt.Sprintf("kept for %d days after closing", c.Days)})
	d.c.Erase = append(d.c.Erase, c.Refs...)
	d.owe(DestroyContents{}, "evidence", RankRefresh, d.a.At, time.Time{})
	return nil
}
