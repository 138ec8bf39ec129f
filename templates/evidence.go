package templates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// maxEvidence keeps a list readable; `tocsin evidence list` tells all of it.
const maxEvidence = 30

// EvidenceList tells what was kept of an incident, in the order of keeping.
func EvidenceList(s incident.State, all []incident.Evidence) Card {
	c := Card{Lead: fmt.Sprintf("Evidence of %s: %s", s.Stream, count(len(all), "item", "items"))}
	c.Blocks = append(c.Blocks, text("*"+c.Lead+"*"))
	if line := legalHoldLine(s); line != "" {
		c.Blocks = append(c.Blocks, text(line))
	}
	var lines []string
	for i, e := range all {
		if i == maxEvidence {
			lines = append(lines, fmt.Sprintf("and %d more: “tocsin evidence list %s” on the server", len(all)-i, s.Stream))
			break
		}
		lines = append(lines, fmt.Sprintf("*E%d* %s — %s, %s by %s", e.N, evidenceName(e), evidenceStanding(e), When(e.At, ""), evidenceBy(s, e)))
	}
	if len(lines) == 0 {
		lines = []string{"Nothing was kept yet. What a deed would destroy is kept before it, and files shared in the room are."}
	}
	for part := range slices.Chunk(lines, 6) {
		c.Blocks = append(c.Blocks, text(strings.Join(part, "\n")))
	}
	if len(all) > 0 {
		c.Blocks = append(c.Blocks, small("Everything about one: “contain evidence E1”. A bundle that others can verify: “tocsin evidence export "+string(s.Stream)+"” on the server."))
	}
	return c
}

// EvidenceItems is everything about some of it, with the lines of the record that tell
// of each.
func EvidenceItems(s incident.State, lead string, some []incident.Evidence) Card {
	c := Card{Lead: lead}
	c.Blocks = append(c.Blocks, text("*"+lead+"*"))
	for i, e := range some {
		if i == 6 {
			c.Blocks = append(c.Blocks, small(fmt.Sprintf("and %d more: “contain evidence E%d”, …", len(some)-i, e.N)))
			break
		}
		head := fmt.Sprintf("*E%d* %s — %s, by %s", e.N, evidenceName(e), evidenceStanding(e), evidenceBy(s, e))
		facts := []string{head}
		if e.From != "" {
			facts = append(facts, "from "+Line(e.From, 120))
		}
		if e.SHA256 != "" {
			facts = append(facts, "SHA-256 `"+Line(e.SHA256, 64)+"`")
		}
		facts = append(facts, prefixed("Kept as: ", Line(e.Ref, 160)), prefixed("Why: ", Line(e.Why, 160)))
		c.Blocks = append(c.Blocks, text(strings.Join(keep(facts), "\n")))
		var custody []string
		for _, l := range e.Custody {
			who := ""
			if l.By != "" && l.By != incident.Clockwork.ID {
				who = " by " + Who(s, l.By)
			}
			custody = append(custody, fmt.Sprintf("%s %s%s (%s/%d)", When(l.At, ""), l.What, who, l.Stream, l.Seq))
		}
		if more := len(custody) - 8; more > 0 {
			custody = append(custody[:4:4], append([]string{fmt.Sprintf("… %d more", more)}, custody[len(custody)-4:]...)...)
		}
		c.Blocks = append(c.Blocks, small(custody...))
	}
	return c
}

func evidenceName(e incident.Evidence) string {
	if e.Name == "" {
		return "a file whose name is not known"
	}
	return Line(e.Name, 80)
}

func evidenceStanding(e incident.Evidence) string {
	size := ""
	if e.SHA256 != "" {
		size = ", " + count(int(e.Size), "byte", "bytes") + ", SHA-256 " + shortDigest(e.SHA256)
	}
	switch e.State {
	case incident.KeptAway:
		return "kept by the vendor"
	case incident.KeptNot:
		return "*not kept*"
	case incident.KeptDestroyed:
		return "*erased*" + size
	}
	return "kept" + size
}

func evidenceBy(s incident.State, e incident.Evidence) string {
	switch {
	case e.By != "":
		return Who(s, e.By)
	case e.Author != "":
		return Line(e.Author, 40)
	}
	return "Tocsin"
}
