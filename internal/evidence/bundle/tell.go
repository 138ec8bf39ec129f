package bundle

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Write tells it to a person.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	m := r.Manifest
	if m.Incident != "" {
		fmt.Fprintf(&b, "Evidence of %s (%s), taken by %s for %s, %s\n", printable(m.Incident), printable(m.Workspace), printable(m.By), printable(m.To), stamp(m.At))
	}
	for _, it := range m.Items {
		_ = Tell(&b, it) // a Builder never fails
	}
	for _, s := range r.Record.Streams {
		fmt.Fprintf(&b, "record %s: %d lines, signed up to line %d, head %s\n", printable(s.ID), s.Lines, s.Signed, printable(s.Hash))
	}
	for _, p := range r.Problems {
		b.WriteString(printable(p) + "\n")
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "and %d more problems\n", r.More)
	}
	if r.OK() {
		fmt.Fprintf(&b, "The bundle is whole: %d items, every one as the record says.\n", len(m.Items))
	} else {
		b.WriteString("The bundle is NOT whole, or not what was signed.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Tell tells of one item with its custody.
func Tell(w io.Writer, it Item) error {
	who := it.By
	if who == "" {
		who = it.Author
	}
	if who == "" {
		who = "tocsin"
	}
	_, err := fmt.Fprintf(w, "E%d %s: %s, %d bytes, sha256 %s, from %s, by %s, %s\n", it.N, named(it.Name), it.State, it.Size, dash(it.SHA256), dash(it.From), printable(who), stamp(it.At))
	for _, extra := range []string{it.Ref, it.Why, it.Path} {
		if extra != "" && err == nil {
			_, err = fmt.Fprintf(w, "   %s\n", printable(extra))
		}
	}
	for _, c := range it.Custody {
		if err == nil {
			_, err = fmt.Fprintf(w, "   %s %s/%d %s by %s, line %.16s…\n", stamp(c.At), printable(c.Stream), c.Seq, printable(c.What), dash(c.By), printable(c.Hash))
		}
	}
	return err
}

func named(name string) string {
	if name == "" {
		return "(name not known)"
	}
	return printable(name)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return printable(s)
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
