package baseline

import (
	"fmt"
	"strings"
	"time"
)

// How telling it is that a thing of this facet is new, before rarity: a web server's first
// shell tells more than its first new destination.
var telling = [...]int{Program: 60, Child: 80, Destination: 45, Listener: 75, User: 60}

// judge makes a Novelty. The score is how telling the facet is; a quarter of that stays
// when all peers know the thing, all of it when none does, and a fifth is added when the
// host's groups never saw it either. Beyond maxCompared a day nothing is compared, and the
// score is as if no peer knew it.
func (b *Book) judge(p *profile, home Scope, w Where, t Thing, times int, at time.Time) Novelty {
	n := Novelty{Scope: home, Thing: t, Days: p.watched(at), Times: max(times, 1), Early: !p.learned(b.rules, at)}
	if !p.compare(dayOf(at)) {
		n.Score, n.Peers = telling[t.Facet], -1
		n.Why = sentence(n, "")
		return n
	}
	among := ""
	n.Peers, n.Know, among = b.peers(home, w, t.key(), at)
	rare := 1000
	if n.Peers > 0 {
		rare = 1000 * (n.Peers - n.Know) / n.Peers
	}
	n.Score = telling[t.Facet] * (250 + 750*rare/1000) / 1000
	if b.newToGroups(w, t.key(), at) {
		n.Score += n.Score / 5
	}
	n.Score = min(n.Score, 100)
	n.Why = sentence(n, among)
	return n
}

// peers counts those that have learned enough to tell: the hosts of the first group, all
// hosts where there is none, all images for an image. The scope itself is not its peer.
func (b *Book) peers(home Scope, w Where, k key, at time.Time) (all, know int, among string) {
	count := func(s Scope, p *profile) {
		if s == home || !p.learned(b.rules, at) {
			return
		}
		all++
		if p.entries[k].usual() {
			know++
		}
	}
	if home.Kind == Host && len(w.Groups) > 0 {
		for host := range b.members[w.Groups[0]] {
			s := Scope{Host, host}
			if p := b.profiles[s]; p != nil {
				count(s, p)
			}
		}
		return all, know, "other hosts in group " + shown(w.Groups[0])
	}
	for s, p := range b.profiles {
		if s.Kind == home.Kind {
			count(s, p)
		}
	}
	return all, know, "other " + scopeNames[home.Kind] + "s"
}

// newToGroups reports whether there are groups that could know the thing and none does.
func (b *Book) newToGroups(w Where, k key, at time.Time) bool {
	could := false
	for _, g := range w.Groups {
		p := b.profiles[Scope{Group, g}]
		if p == nil || !p.learned(b.rules, at) {
			continue
		}
		if p.entries[k].usual() {
			return false
		}
		could = true
	}
	return could
}

// watched is for how many days a profile has been there.
func (p *profile) watched(at time.Time) int {
	return int(max(at.Unix()-p.began, 0) / int64(day/time.Second))
}

func sentence(n Novelty, among string) string {
	on := " on " + shown(n.Scope.Name)
	if n.Scope.Kind == Image {
		on = " in image " + shown(n.Scope.Name)
	}
	t := n.Thing
	var said string
	switch t.Facet {
	case Program:
		said = short(t.Value) + " was never run" + on
	case Child:
		said = short(t.Subject) + " never started " + short(t.Value) + on
	case Destination:
		said = short(t.Subject) + " never connected to " + shown(t.Value) + on
	case Listener:
		said = short(t.Subject) + " never listened on " + shown(t.Value) + on
	case User:
		said = "user " + shown(t.Value) + " never ran anything" + on
	}
	said += " in " + days(n.Days)
	if n.Times > 1 {
		said += fmt.Sprintf(", but for %s of late", days(n.Times))
	}
	switch {
	case n.Peers == -1:
		return said + "; there is too much new today to compare it"
	case n.Peers == 0:
		return said + "; no " + among + " have learned enough to compare"
	case n.Know == 0 && n.Peers == 1:
		for _, many := range scopeNames[1:] {
			if rest, is := strings.CutPrefix(among, "other "+many+"s"); is {
				among = "other " + many + rest
			}
		}
		return said + "; the only " + among + " does not"
	case n.Know == 0:
		return fmt.Sprintf("%s; none of %d %s does", said, n.Peers, among)
	}
	return fmt.Sprintf("%s; %d of %d %s do", said, n.Know, n.Peers, among)
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
