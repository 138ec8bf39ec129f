package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

var granted = incident.Grant{Name: "suspend-an-account", Source: "grants.yaml:12", TTL: 8 * time.Hour, MaxTTL: 24 * time.Hour, OnExpiry: "ask", ExpiresIn: time.Hour,
	Needs: []incident.Need{{Count: 1, From: []string{"commander", "alice"}}}}

func brief() incident.Sealed {
	return incident.Seal(`[{"name":"mallory@example.com","owner":"Sales","steps":["The user becomes SUSPENDED and can sign in nowhere.","3 sessions end."],"dependants":["owner of 2 dashboards"],"warnings":["This is an administrator of billing."]}]`)
}

// contained is a deed from the request to the release, as the record has it.
func contained(marks ...incident.Mark) []incident.Event {
	events := []incident.Event{
		incident.ActionRequested{N: 1, Action: "okta.suspend-user", Kind: "identity", Count: 1, Names: incident.Seal("mallory@example.com"), Reason: incident.Seal("session theft"),
			TTL: 8 * time.Hour, Reversible: true, Lasts: true, Grant: granted},
		incident.ActionPlanned{N: 1, Round: 1, Digest: "5f2c9a0b11d4aa", Body: incident.Seal("[]"), Briefs: brief(), Names: incident.Seal("mallory@example.com"),
			Registers: []incident.ID{"hold:identity/1"}, Reversible: true, Lasts: true, Expires: at(110)},
		incident.ApprovalRefused{N: 1, Code: "own"},
		incident.ApproversAsked{N: 1, People: []incident.PersonID{"bob"}, Time: 1},
		incident.ApproversAsked{N: 1, Time: 2},
		incident.ActionApproved{N: 1, Round: 1, Digest: "5f2c9a0b11d4aa"},
		incident.ActionStarted{N: 1, Round: 1, Try: 1, Digest: "5f2c9a0b11d4aa", Until: at(600), At: []int{0}},
		incident.ActionTroubled{N: 1, Why: incident.Seal("Okta answered 503.")},
		incident.EvidenceKept{N: 1, Items: []incident.KeptItem{{Name: incident.Seal("factors.json"), From: incident.Seal("okta"), Size: 812, SHA256: "aa11bb22cc33dd44"}}},
	}
	for _, m := range marks {
		words := incident.DeedWords{Done: []string{"suspended"}, Seen: []string{"Okta says SUSPENDED; a sign-in is refused."}}
		status := incident.DeedInEffect
		if m == incident.MarkFailed {
			words, status = incident.DeedWords{Why: "Tocsin's account lacks the right okta.users.manage (to suspend the user)."}, incident.DeedFailed
		}
		events = append(events, incident.TargetMarked{N: 1, Mark: m, Seen: incident.Seal("Okta says SUSPENDED")}, incident.ActionEnded{N: 1, Status: status, Words: incident.SealWords(words)})
	}
	return append(events,
		incident.HoldExtended{N: 1, Until: at(700)}, incident.ActionTroubled{N: 1, Why: incident.Seal("web-3 is not connected."), End: true}, incident.HoldRanOut{N: 1, Soon: true}, incident.HoldRanOut{N: 1},
		incident.HoldShared{N: 1, Label: "INC-0050"}, incident.HoldShared{N: 1, Label: "INC-0050", Left: true},
		incident.HoldKept{N: 1, Keep: incident.Keep{Owner: "alice", Permanent: true}},
		incident.ReleaseAsked{N: 1, Why: incident.Seal("cleared")},
		incident.TargetMarked{N: 1, Mark: incident.MarkDisputed, Why: incident.Seal("mallory@example.com was deactivated since")},
		incident.TargetMarked{N: 1, Mark: incident.MarkStuck, Why: incident.Seal("Okta answered 403")},
		incident.TargetMarked{N: 1, Mark: incident.MarkReleased}, incident.ActionEnded{N: 1, Status: incident.DeedReleased},
		incident.ActionsFrozen{Why: incident.Seal("wrong plan")}, incident.ActionsFrozen{N: 1}, incident.ActionsFrozen{All: true}, incident.ActionsResumed{Why: incident.Seal("put right")},
		incident.ActionReplanned{N: 1, Round: 2}, incident.ActionNotPlanned{N: 1, Round: 2, Why: incident.Seal("There is no identity \"mallory\".")},
		incident.ActionDenied{N: 1, Why: incident.Seal("not her")}, incident.ActionExpired{N: 1}, incident.EvidenceWaived{N: 1, Why: incident.Seal("it spreads")},
		incident.ActionRequested{N: 2, Action: "okta.suspend-user", Kind: "identity", Count: 1, Names: incident.Seal("eve@example.com"), Reason: incident.Seal("nobody answers"), BreakGlass: true, Lead: "bob", Reversible: true, Lasts: true, Grant: granted},
		incident.GlassReviewed{N: 2, Text: incident.Seal("it was right")},
		incident.RosterAdded{N: 1, Name: incident.Seal("mallory@example.com")}, incident.RosterSettled{N: 1, Deed: 1},
	)
}

func TestADeedIsSaidTheWayItIsAgreed(t *testing.T) {
	for name, private := range map[string]bool{"deed-room.txt": false, "deed-person-confidential.txt": true} {
		place, who := incident.PlaceRoom, incident.PersonID("")
		if private {
			place, who = incident.PlacePerson, "bob"
		}
		var b strings.Builder
		r := theft("okta session theft", private, false)
		for _, e := range contained(incident.MarkInEffect, incident.MarkUnproven, incident.MarkNoEffect, incident.MarkFailed) {
			r.at(45, "alice", e)
			c := r.said(place, who)
			b.WriteString("== " + incident.KindOf(e) + "\n" + spell(c) + "\n")
			if private && (strings.Contains(spell(c), "mallory") || strings.Contains(spell(c), "okta")) {
				t.Errorf("%s names what a confidential incident is about:\n%s", incident.KindOf(e), spell(c))
			}
		}
		golden(t, name, b.String())
	}
}

// A tool that says "isolated" when it is not gets people hurt.
func TestNothingClaimsMoreThanWasSeen(t *testing.T) {
	for mark, never := range map[incident.Mark]string{incident.MarkUnproven: "*In effect", incident.MarkNoEffect: "*In effect", incident.MarkFailed: "*In effect"} {
		r := theft("x", false, false)
		for _, e := range contained(mark) {
			r.at(45, "alice", e)
			if _, end := e.(incident.ActionEnded); !end {
				continue
			}
			if c := spell(r.said(incident.PlaceRoom, "")); strings.Contains(c, never) {
				t.Errorf("%s is told as\n%s", mark, c)
			}
			break
		}
		d, _ := r.s.Deed(1)
		if text := deedStanding(d); strings.Contains(text, "in effect") && !strings.Contains(text, "NOT") {
			t.Errorf("%s stands as %s", mark, text)
		}
	}
}

func TestDeedsAreListedAndTold(t *testing.T) {
	r := theft("okta session theft", false, false)
	for _, e := range contained(incident.MarkInEffect)[:11] {
		r.at(45, "alice", e)
	}
	d, _ := r.s.Deed(1)
	golden(t, "deed-status.txt", spell(Deeds(r.s, at(60)))+"\n"+spell(Deed(r.s, d, r.events))+"\n"+spell(Roster(r.s))+"\n"+spell(Summary(r.s, at(60))))
}

func TestManyTargetsAreOneMessage(t *testing.T) {
	r := theft("x", false, false)
	names := make([]string, 1000)
	regs := make([]incident.ID, 1000)
	for i := range names {
		names[i], regs[i] = "user"+strings.Repeat("x", i%7)+"@example.com", "hold:identity/1"
	}
	r.at(45, "alice", incident.ActionRequested{N: 1, Action: "okta.suspend-user", Kind: "identity", Count: 1000, Names: incident.Seal(strings.Join(names, "\n")), Reversible: true, Lasts: true},
		incident.ActionPlanned{N: 1, Round: 1, Digest: "d", Names: incident.Seal(strings.Join(names, "\n")), Registers: regs, Reversible: true, Lasts: true},
		incident.ActionStarted{N: 1, Round: 1, Try: 1, Digest: "d"})
	for i := range 700 {
		m := incident.MarkInEffect
		if i%9 == 0 {
			m = incident.MarkFailed
		}
		r.at(46, "tocsin", incident.TargetMarked{N: 1, Index: i, Mark: m})
	}
	for _, c := range []Card{DeedProgress(r.s, 1), Deeds(r.s, at(50))} {
		if n := len(spell(c)); n > 2500 {
			t.Errorf("%d characters:\n%s", n, spell(c))
		}
	}
}
