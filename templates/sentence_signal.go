package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

func (t teller) ofSignals(r incident.Recorded) string {
	by := t.name(r.By)
	group := func(id string) string { g, _ := t.s.Signal(id); return signalRaw(g) }
	switch e := r.Event.(type) {
	case incident.SignalSeen:
		g := incident.SignalAt{Title: e.Title, Host: e.Host, Hosts: e.Hosts}
		more := strings.Join(keep([]string{string(e.Level), strings.Join(e.Techniques, ", ")}), ", ")
		return fmt.Sprintf("Seen: %s (%s)%s", signalRaw(g), more, prefixed(": ", Defang(e.Summary.String())))
	case incident.SignalGrew:
		word := "Still seen"
		if e.Worse {
			word = "Worse"
		}
		var news []string
		for _, n := range e.News {
			news = append(news, Defang(n.Title.String())+bracketed(strings.Join(n.Techniques, ", ")))
		}
		if e.More > 0 {
			news = append(news, fmt.Sprintf("and %d more", e.More))
		}
		return fmt.Sprintf("%s: %s, %s, %s so far%s", word, group(e.Group), e.Level, count(e.Count, "signal", "signals"), prefixed(": ", strings.Join(news, "; ")))
	case incident.SignalsJudged:
		what := "real"
		if e.False {
			what = "a false alarm"
		}
		return fmt.Sprintf("%s says it is %s: %s%s", by, what, group(e.Group), prefixed(" — ", e.Why.String()))
	case incident.LookBegun:
		return fmt.Sprintf("%s looks: %s", by, lookRaw(e.Looking))
	case incident.LookStopped:
		return by + " ended the look " + fmt.Sprint(e.N)
	case incident.LookEnded:
		return looked("Seen by", e.Looking, e.Count, e.Text)
	case incident.Looked:
		return looked(by+" looked at", e.Looking, e.Count, e.Text)
	}
	return ""
}

func looked(who string, l incident.Looking, c incident.LookCount, text incident.Sealed) string {
	return fmt.Sprintf("%s %s: %s", who, lookRaw(l), strings.Join(keep([]string{lookResult(c, text), strings.TrimSuffix(silentLine(c), ".")}), "; "))
}
