package slack

import (
	"fmt"
	"time"
)

// triggerLife is how long a trigger_id opens a modal: three real seconds, once.
// https://docs.slack.dev/interactivity/handling-user-interaction
const triggerLife = 3 * time.Second

type trigger struct {
	user string
	born time.Time // machine's time
	used bool
	from string // the modal it was pressed in, if any
}

// pull makes a trigger for what a person just did. The caller holds mu.
func (s *Server) pull(user, fromView string) string {
	clip(s.triggers, func(t *trigger) time.Time { return t.born })
	s.serial++
	id := fmt.Sprintf("%d.%d.%s", s.now(), s.serial, random(32))
	s.triggers[id] = &trigger{user: user, born: time.Now(), from: fromView}
	return id
}

// exchange uses a trigger up. The caller holds mu.
func (s *Server) exchange(id string) (*trigger, error) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, no("invalid_trigger_id")
	case t.used:
		return nil, no("exchanged_trigger_id")
	case time.Since(t.born) > triggerLife:
		return nil, no("expired_trigger_id")
	}
	return t, nil
}

// ExpireTriggers ages every open trigger_id past its life, for stories about slow
// apps that do not want to wait three seconds.
func (s *Server) ExpireTriggers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.triggers {
		t.born = t.born.Add(-2 * triggerLife)
	}
}
