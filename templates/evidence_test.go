package templates

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
)

// keptThings is evidence in every state, with a name that somebody chose with malice.
func keptThings() []incident.Evidence {
	line := func(seq int64, what string, by incident.PersonID) incident.CustodyLine {
		return incident.CustodyLine{Stream: "INC-0042", Seq: seq, At: at(int(seq)), By: by, What: what, Hash: strings.Repeat("ab", 32)}
	}
	var long []incident.CustodyLine
	for n := range int64(20) {
		long = append(long, line(50+n, "a copy was handed over", "bob"))
	}
	return []incident.Evidence{
		{N: 1, State: incident.KeptHere, Name: "factors.json", From: "okta", Size: 812, SHA256: strings.Repeat("c2", 32), Deed: 1, By: "alice", At: at(45),
			Custody: []incident.CustodyLine{line(40, "the deed was asked for", "alice"), line(45, "kept before the deed", incident.Clockwork.ID)}},
		{N: 2, State: incident.KeptAway, Name: "snapshot of web-3", From: "aws", Ref: "snap-0123", Deed: 1, By: "alice", At: at(45), Custody: long},
		{N: 3, State: incident.KeptHere, Name: "<!channel> *bold* `x` <http://evil.com|a.pcap>\n", From: "shared in the room", Size: 1, SHA256: strings.Repeat("d3", 32), Author: "U0STRANGER", At: at(46)},
		{N: 4, State: incident.KeptNot, Name: "big.img", Why: "it has more than the 9 bytes that are kept of a file", By: "bob", At: at(47)},
		{N: 5, State: incident.KeptDestroyed, Why: "kept for 365 days after closing", Size: 7, SHA256: strings.Repeat("e4", 32), At: at(48)},
	}
}

func TestEvidenceIsListedAndTold(t *testing.T) {
	r := theft("okta session theft", false, false)
	all := keptThings()
	golden(t, "evidence.txt", spell(EvidenceList(r.s, nil))+"\n"+spell(EvidenceList(r.s, all))+"\n"+spell(EvidenceItems(r.s, "Evidence of INC-0042", all)))
	r.at(50, "alice", incident.LegalHoldSet{Why: incident.Seal("counsel expects a claim")}, incident.LegalHoldLiftAsked{Why: incident.Seal("settled")})
	golden(t, "evidence-held.txt", spell(EvidenceList(r.s, all[:1]))+"\n"+spell(Summary(r.s, at(60))))
	for range 100 {
		all = append(all, all[0])
	}
	for i := range all {
		all[i].N = i + 1
	}
	for _, c := range []Card{EvidenceList(r.s, all), EvidenceItems(r.s, "x", all)} {
		if text := spell(c); len(text) > 9000 || strings.Contains(text, "<!channel>") || strings.Contains(text, "<http") {
			t.Errorf("%d characters:\n%s", len(text), text)
		}
	}
	if text := spell(EvidenceList(r.s, all)); !strings.Contains(text, fmt.Sprintf("and %d more", len(all)-maxEvidence)) {
		t.Error(text)
	}
}
