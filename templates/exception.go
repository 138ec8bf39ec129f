package templates

import (
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// ExceptionWords is what an exception keeps quiet, in a few words: "sigma/archive on db-* where
// program=/usr/bin/tar". It is not escaped.
func ExceptionWords(x incident.Exception) string {
	words := x.Rule
	if !x.Host.IsZero() {
		words += " on " + x.Host.String()
	}
	var where []string
	for _, f := range []struct {
		name string
		is   incident.Sealed
	}{{"image", x.Image}, {"program", x.Program}, {"user", x.User}} {
		if !f.is.IsZero() {
			where = append(where, f.name+"="+f.is.String())
		}
	}
	return words + prefixed(" where ", strings.Join(where, " "))
}

// saidOfExceptions tells those who answer for an exception. It is about no incident, so that
// nothing of one stands below it.
func (v voice) saidOfExceptions() Card {
	var x incident.Exception
	var news, next string
	tone := Calm
	switch e := v.r.Event.(type) {
	case incident.ExceptionMade:
		x = e.Exception
		news = fmt.Sprintf("*You answer for exception %d*, made by %s: nothing is said of %%s until %s.", x.N, v.by(), When(x.Expires, ""))
		next = fmt.Sprintf("To end it: “signals exceptions end %d”.", x.N)
	case incident.ExceptionEnding:
		x, tone = e.Exception, Warn
		news = fmt.Sprintf("*Exception %d ends %s:* then what it keeps quiet is heard again. It is %%s.", x.N, When(x.Expires, ""))
		next = "Where it is still right then, make another: “signals except”."
	case incident.ExceptionEnded:
		x, tone = e.Exception, Warn
		news = fmt.Sprintf("*Exception %d has run out:* what it kept quiet is heard again. It was %%s.", x.N)
		next = "Where it is still right, make it again: “signals except”."
		if !e.Expired {
			news = fmt.Sprintf("*Exception %d was ended* by %s%s. It was %%s.", x.N, v.by(), prefixed(": ", v.short(e.Why)))
			next = ""
		}
	default:
		return Card{}
	}
	news = fmt.Sprintf(news, Line(Defang(ExceptionWords(x)), maxLine))
	c := Card{Lead: flat(v.s, news), Tone: tone, Blocks: []Block{{Text: news}, because(v.short(x.Reason))}}
	if note := small(next); !note.empty() {
		c.Blocks = append(c.Blocks, note)
	}
	if v.person != "" {
		c.Mentions = []incident.PersonID{v.person}
	}
	return c
}

func (t teller) ofExceptions(r incident.Recorded) string {
	switch e := r.Event.(type) {
	case incident.ExceptionMade:
		x := e.Exception
		return fmt.Sprintf("%s made exception %d: %s until %s, owned by %s%s", t.name(r.By), x.N, ExceptionWords(x), Stamp(x.Expires), t.name(x.Owner), colon(x.Reason))
	case incident.ExceptionEnding:
		return fmt.Sprintf("Exception %d ends %s: %s", e.Exception.N, Stamp(e.Exception.Expires), ExceptionWords(e.Exception))
	case incident.ExceptionEnded:
		if e.Expired {
			return fmt.Sprintf("Exception %d has run out: %s", e.Exception.N, ExceptionWords(e.Exception))
		}
		return fmt.Sprintf("%s ended exception %d: %s%s", t.name(r.By), e.Exception.N, ExceptionWords(e.Exception), prefixed(" — ", e.Why.String()))
	}
	return ""
}
