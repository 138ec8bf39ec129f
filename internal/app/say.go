package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/screen"
	"github.com/tocsin-ir/tocsin/templates"
)

// How often the record is looked at for somebody who follows it. What is looked at is
// one row and the lines after its snapshot.
const followEvery = 400 * time.Millisecond

// heartbeat is how long a watcher hears nothing while nothing changes.
const heartbeat = 4 * time.Second

// Say carries out a line that came from a terminal or a program: the words of Slack,
// with the slash or without.
func (a *App) Say(ctx context.Context, who incident.Person, via incident.Door, line string, id incident.CommandID) (bot.Reply, error) {
	line = strings.TrimSpace(line)
	command, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(command, "/") {
		rest = line
	}
	if line == "" {
		return bot.Reply{}, incident.Refuse("nothing-said", "Nothing was said.", "Try: /incident help")
	}
	return a.room.Do(ctx, bot.Call{Line: rest, Book: a.room.BookOf(command), Person: who, Via: via, CommandID: id})
}

// Follow tells what becomes true in an incident because of a command, until nothing
// that follows from it is owed or ctx ends, and returns what is owed then. Clocks that
// it set are not waited for. Somebody who may not see the incident any more is told
// nothing more.
func (a *App) Follow(ctx context.Context, who incident.Person, id incident.ID, root incident.CommandID, tell func(screen.Line) error) ([]string, error) {
	told := map[int64]bool{}
	reading := context.WithoutCancel(ctx) // what is owed is wanted when the patience is over, too
	for {
		ctxRead, cancel := context.WithTimeout(reading, 10*time.Second)
		owed, err := a.followOnce(ctxRead, who, id, root, told, tell)
		cancel()
		if err != nil || len(owed) == 0 {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return owed, nil
		case <-time.After(followEvery):
		}
	}
}

func (a *App) followOnce(ctx context.Context, who incident.Person, id incident.ID, root incident.CommandID, told map[int64]bool, tell func(screen.Line) error) ([]string, error) {
	// What is owed is read first: what it led to is then in the record already.
	tasks, err := a.db.OpenByRoot(ctx, root)
	if err != nil {
		return nil, err
	}
	s, err := a.db.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	if !s.Exists || !s.MaySee(who.ID) {
		return nil, nil
	}
	if err := a.tellNew(ctx, s, root, told, tell); err != nil {
		return nil, err
	}
	var owed []string
	for _, t := range tasks {
		if _, isClock := t.Effect.(incident.Wake); !isClock && t.Incident == id {
			if w := owedWords(s, t.Effect); !slices.Contains(owed, w) {
				owed = append(owed, w)
			}
		}
	}
	return owed, nil
}

func (a *App) tellNew(ctx context.Context, s incident.State, root incident.CommandID, told map[int64]bool, tell func(screen.Line) error) error {
	events, err := a.db.ByRoot(ctx, root)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(r incident.Recorded) bool { return r.Stream != s.Stream || r.Seq > s.Seq || told[r.Seq] })
	for _, r := range events {
		told[r.Seq] = true
		if text := templates.Sentence(s, r); text != "" {
			if err := tell(screen.LineOf(templates.Entry{Seq: r.Seq, Occurred: r.At, Text: text})); err != nil {
				return err
			}
		}
	}
	return nil
}

// owedWords says what an effect will do, for whoever waits for it.
func owedWords(s incident.State, e incident.Effect) string {
	switch e := e.(type) {
	case incident.OpenRoom:
		return "open the room in Slack"
	case incident.DressRoom:
		return "set up the room in Slack"
	case incident.Invite:
		return "invite " + templates.NameOf(s, e.Person) + " in Slack"
	case incident.Remove:
		return "remove " + templates.NameOf(s, e.Person) + " from the room in Slack"
	case incident.Say:
		return "say it in Slack"
	case incident.Refresh:
		return "bring the summary in Slack up to date"
	case incident.ArchiveRoom:
		return "archive the room in Slack"
	case incident.Page:
		return "page " + templates.Label(e.Rung.Name, 80)
	case incident.TellPager:
		return "tell PagerDuty"
	case incident.Publish:
		return "write the post-mortem to GitHub"
	case incident.FileItem:
		return "file an action item on GitHub"
	}
	return strings.ReplaceAll(incident.KindOf(e), "_", " ")
}

// Watch tells what a person sees of an incident, now and whenever it changes, and nil
// now and then while it does not, until ctx ends. Every View is made from a State in
// which they may see it; from the first in which they may not there is no such
// incident. still is asked before anything is told; nil: never.
func (a *App) Watch(ctx context.Context, who incident.Person, name string, still func(context.Context) error, tell func(v *screen.View, now time.Time) error) error {
	id, ok := incidentNamed(name)
	if !ok {
		return noSuchIncident(name)
	}
	shown, silent := int64(-1), time.Now()
	for {
		if still != nil {
			if err := still(ctx); err != nil {
				return err
			}
		}
		s, err := a.db.Load(ctx, id)
		if err != nil {
			return err
		}
		if !s.Exists || !s.MaySee(who.ID) {
			return noSuchIncident(string(id))
		}
		switch {
		case s.Version != shown:
			v, err := a.viewOf(ctx, s, who.ID)
			if err != nil {
				return err
			}
			if err := tell(&v, a.clock.Now()); err != nil {
				return err
			}
			shown, silent = s.Version, time.Now()
		case time.Since(silent) > heartbeat:
			if err := tell(nil, a.clock.Now()); err != nil {
				return err
			}
			silent = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followEvery):
		}
	}
}

// viewOf shows what was recorded up to a State and nothing later: what came after it
// may be that the reader is shut out.
func (a *App) viewOf(ctx context.Context, s incident.State, me incident.PersonID) (screen.View, error) {
	events, err := a.history(ctx, s.Stream)
	if err != nil {
		return screen.View{}, err
	}
	if i := slices.IndexFunc(events, func(r incident.Recorded) bool { return r.Seq > s.Seq }); i >= 0 {
		events = events[:i]
	}
	return screen.Of(s, events, me, a.clock.Now()), nil
}

// incidentNamed reads INC-0042, inc-42 or 42.
func incidentNamed(name string) (incident.ID, bool) {
	digits := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "INC-")
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' || n > 1e12 {
			return "", false
		}
		n = n*10 + int64(c-'0')
	}
	return incident.NumberID(n), n > 0
}

// noSuchIncident is said of one that does not exist and of one that the asker may not
// see, word for word.
func noSuchIncident(name string) error {
	return incident.Refuse("no-such-incident", fmt.Sprintf("There is no %s.", templates.Label(name, 40)), "Ask for the list of open incidents: /incident list")
}

// PersonNamed finds a person for the command line: of the plan by id, or by e-mail,
// name or Slack id, with their standing as far as Slack says it.
func (a *App) PersonNamed(ctx context.Context, name string) (incident.Person, error) {
	if strings.TrimSpace(name) == "" {
		return incident.Person{}, errors.New("nobody was named")
	}
	return a.people.ByName(ctx, name)
}
