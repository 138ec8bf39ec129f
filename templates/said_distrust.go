package templates

import (
	"fmt"

	"github.com/tocsin-ir/tocsin/incident"
)

func (v voice) saidOfTrust() Card {
	switch e := v.r.Event.(type) {
	case incident.Distrusted:
		return v.distrusted(e)
	case incident.TrustAsked:
		t := v.doubt(e.N)
		return v.card(Warn, fmt.Sprintf("*%s wants %s to be believed again.*", title(v.by()), v.doubted(t)), because(v.words(e.Why)),
			text("It stays distrusted until a second person says so within a day, by a way that is believed: “trust "+v.doubtWords(t)+" …”."),
			small("Against it? “distrust "+v.doubtWords(t)+" …” takes the first voice away."))
	case incident.Trusted:
		return v.card(Calm, fmt.Sprintf("*%s is believed again*, by %s and %s.", title(v.doubted(v.doubt(e.N))), v.who(e.First), v.by()), because(v.words(e.Why)),
			small("What was refused meanwhile is not made up for: say it again."))
	}
	return Card{}
}

func (v voice) distrusted(e incident.Distrusted) Card {
	t := v.doubt(e.N)
	next := "It is marked for everybody to see; Tocsin takes no commands from it."
	switch e.Kind {
	case string(incident.ViaSlack):
		next = "Nothing said through Slack counts here any more, neither commands nor buttons. On the server: “tocsin do '/incident " + string(v.s.Stream) + " …'”. What you read here may not be true either."
	case string(incident.ViaPagerDuty):
		next = "Acknowledgements in PagerDuty do not stop the paging any more: answer here. Pages still go out through it."
	case string(incident.ViaGitHub):
		next = "What is done to issues there changes nothing here any more."
	case string(incident.ViaCLI), string(incident.ViaAPI):
		next = "Nothing said through it counts here any more."
	case incident.DistrustOkta, incident.DistrustIdentity:
		next = "Nothing said with this account counts here any more. To shut somebody out of the room as well: “exclude”."
	}
	c := v.card(Alarm, fmt.Sprintf("*%s is not to be believed here.* So says %s.", title(v.doubted(t)), v.by()), because(v.words(e.Why)), text(next),
		small("Two persons lift it, by another way: “trust "+v.doubtWords(t)+" …”."), buttons(v.room()...))
	return v.toward(c, v.s.Holder(incident.Commander))
}

func (v voice) doubt(n int) incident.Doubt {
	for _, t := range v.s.Doubts {
		if t.N == n {
			return t
		}
	}
	return incident.Doubt{}
}

// doubted names what is not believed: "Slack", "the account mallory@example.com".
func (v voice) doubted(t incident.Doubt) string { return doubted(t, v.short(t.Name)) }

func doubted(t incident.Doubt, name string) string {
	switch {
	case incident.IsDoor(t.Kind):
		return lowerThe(incident.DoorName(incident.Door(t.Kind)))
	case name == "":
		return "an account or host"
	case t.Kind == incident.DistrustHost:
		return "the host " + name
	case t.Kind == incident.DistrustOkta:
		return "the Okta account " + name
	}
	return "the account " + name
}

// doubtWords is how it is typed.
func (v voice) doubtWords(t incident.Doubt) string {
	if incident.IsDoor(t.Kind) || t.Kind == "" {
		return t.Kind
	}
	if name := v.short(t.Name); name != "" {
		return t.Kind + ":" + name
	}
	return t.Kind + ":…"
}

func lowerThe(name string) string {
	if len(name) > 4 && name[:4] == "The " {
		return "the " + name[4:]
	}
	return name
}

// doubtLine lists for the summary what is not believed now.
func doubtLine(s incident.State) string {
	v := voice{s: s}
	var names []string
	for _, t := range s.Doubts {
		if !t.Lifted {
			names = append(names, v.doubted(t))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "*Not to be believed here:* " + several(names, 6, func(n string) string { return n })
}
