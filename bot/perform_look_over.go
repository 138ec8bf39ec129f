package bot

import (
	"context"
	"sync"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// lookOver attaches what the message leaves out, and ends the look. While Slack does not take the
// file the answer waits in memory, a few times; then it is said that the file is missing.
func (s *Slack) lookOver(ctx context.Context, t incident.Task, n int, got templates.Look, file *upload, again bool) (incident.Command, error) {
	over := incident.LookIsOver{N: n, Count: got.LookCount(), Text: got.Result}
	if file == nil {
		return over, nil
	}
	there, err := false, error(nil)
	if again { // the answer to the upload may have been lost on the way
		there, err = s.hasFile(ctx, t.Rank, file.Channel, file.Thread, file.Name)
	}
	if err == nil && !there {
		err = s.upload(ctx, t.Rank, *file)
	}
	if err != nil && !incident.IsGivenUp(err) && s.unsent.keep(t.ID, got, file) {
		return nil, err
	}
	s.unsent.drop(t.ID)
	if err != nil {
		s.log.WarnContext(ctx, "answer not attached", "incident", t.Incident, "err", err)
		over.Text += "; the whole answer could not be attached"
	}
	return over, nil
}

// unsent are answers whose file waits for Slack.
type unsent struct {
	mu   sync.Mutex
	wait map[incident.EffectID]lookSent
}

type lookSent struct {
	got  templates.Look
	file *upload
	try  int
}

const (
	mostUnsent  = 20
	unsentTries = 5
)

// keep has an answer wait; false when it waited often enough, or too many do.
func (u *unsent) keep(id incident.EffectID, got templates.Look, file *upload) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	had := u.wait[id]
	if had.try >= unsentTries || had.try == 0 && len(u.wait) >= mostUnsent {
		return false
	}
	if u.wait == nil {
		u.wait = map[incident.EffectID]lookSent{}
	}
	u.wait[id] = lookSent{got, file, had.try + 1}
	return true
}

func (u *unsent) drop(id incident.EffectID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.wait, id)
}

func (u *unsent) take(id incident.EffectID) (templates.Look, *upload, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	w, ok := u.wait[id]
	return w.got, w.file, ok
}
