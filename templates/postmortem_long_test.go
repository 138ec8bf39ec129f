package templates

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/incident"
)

// Of a long record the post-mortem reads few notes, and is the same as if it had read
// them all: those beyond the appendix, hidden or withheld, are not decrypted for it.
func TestALongPostMortemReadsOnlyWhatItShows(t *testing.T) {
	const notes = 3 * maxAppendix
	for _, closed := range []bool{false, true} {
		r := theft("okta session theft", closed, false)
		first := len(r.events) + 1
		for n := range notes {
			r.at(20, "bob", incident.Noted{Text: incident.Sealed{Ref: fmt.Sprint("ref", n), Text: fmt.Sprint("seen again, line ", n)}})
		}
		r.at(21, "alice",
			incident.EntryEdited{Seq: int64(first + 1), Text: incident.Seal("corrected early"), Why: incident.Seal("a slip")},
			incident.EntryEdited{Seq: int64(first + notes - 1), When: at(1), Why: incident.Seal("it was the first")},
			incident.EntryHidden{Seq: int64(first + 2), Why: incident.Seal("off topic")},
			incident.PrivilegeMarked{Seq: int64(first + 3)})
		r.over()
		whole := PostMortem(r.s, r.events, Options{})

		outline := make([]incident.Recorded, len(r.events))
		for i, e := range r.events {
			outline[i] = e
			if n, note := e.Event.(incident.Noted); note {
				n.Text.Text = ""
				outline[i].Event = n
			}
		}
		reads, read := PostMortemReads(r.s, outline, Options{}), 0
		for i, e := range r.events {
			if reads(e) {
				outline[i] = e
				if _, note := e.Event.(incident.Noted); note {
					read++
				}
			}
		}
		if diff := cmp.Diff(whole, PostMortem(r.s, outline, Options{})); diff != "" {
			t.Errorf("closed %v: the two differ:\n%s", closed, diff)
		}
		if read > maxAppendix {
			t.Errorf("closed %v: %d notes are read for %d rows", closed, read, maxAppendix)
		}
		if strings.Contains(whole.Body, "\x00") {
			t.Errorf("closed %v: a note was never told", closed)
		}
		if !closed && (!strings.Contains(whole.Body, fmt.Sprint("line ", notes-1)) || !strings.Contains(whole.Body, "corrected early") ||
			strings.Contains(whole.Body, "line 3\n") || !strings.Contains(whole.Body, "more in the record")) {
			t.Error("what was moved to the front, corrected, or left out is not so")
		}
	}
}
