package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// What does not fit a message is attached as a file, in the room of the incident it was asked for
// and nowhere else: there are those who may know, also of a confidential one. The rows are nowhere
// but in memory; a file that cannot be attached now is said to be missing, and asked for again.

// attached remembers what was attached to answers, so that a redelivery attaches it once.
type attached struct {
	mu   sync.Mutex
	done map[incident.CommandID]bool
}

func (a *attached) first(id incident.CommandID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done[id] {
		return false
	}
	if a.done == nil || len(a.done) > 1000 {
		a.done = map[incident.CommandID]bool{}
	}
	a.done[id] = true
	return true
}

// do carries out a line and attaches what its answer leaves out.
func (s *Slack) do(ctx context.Context, c Call) (Reply, error) {
	reply, err := s.c.Room.Do(ctx, c)
	if err != nil || reply.File == nil || !s.attached.first(c.CommandID) {
		return reply, err
	}
	u := *reply.File
	s.work(ctx, func(ctx context.Context) {
		err := s.upload(ctx, incident.RankSay, u)
		if wait, slow := incident.LaterBy(err); slow && sleep(ctx, wait) {
			err = s.upload(ctx, incident.RankSay, u)
		}
		if err != nil {
			s.log.WarnContext(ctx, "answer not attached", "err", err)
			s.whisper(ctx, c.Channel, c.ThreadTS, c.Person.Slack, line("The whole answer could not be attached. Ask again in a moment."))
		}
	})
	return reply, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var notInAName = regexp.MustCompile(`[^a-z0-9.]+`)

// lookFile is an answer as a file for the room of its incident; nil where nothing is cut, or there
// is no room. mark keeps two files of one name apart.
func lookFile(st incident.State, what incident.Looking, l templates.Look, mark string, at time.Time) *upload {
	if !l.IsCut() || st.Room.Channel == "" || st.Room.Lost != "" {
		return nil
	}
	sum := sha256.Sum256([]byte(mark))
	subject := strings.Trim(notInAName.ReplaceAllString(strings.ToLower(what.Subject.Text), "-"), "-.")
	title := templates.Label(templates.Defang(l.Title), 200)
	if st.Drill {
		title = "DRILL: " + title
	}
	rows := max(l.Total, len(l.Rows))
	return &upload{
		Channel: st.Room.Channel,
		Name:    fmt.Sprintf("%s-%.60s-%s-%s.csv", what.What, subject, at.UTC().Format("20060102-150405"), hex.EncodeToString(sum[:3])),
		Title:   title,
		Comment: templates.Plain(fmt.Sprintf("%s: the whole answer, %d rows. Addresses and names in the file are as the hosts gave them: do not open them.", title, rows)),
		Body:    templates.LookFile(l),
	}
}
