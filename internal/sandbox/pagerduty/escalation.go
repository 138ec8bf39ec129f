package pagerduty

import "fmt"

// climb puts the incident on a rung, pages it and arms the timer for the next. A rung
// that reaches nobody is passed over at once, as PagerDuty does.
func (s *Server) climb(in *incident, level int, by actor) {
	in.stopTimers()
	if in.policy == nil {
		return
	}
	for level <= len(in.policy.Rules) {
		in.level = level
		if users := s.paged(in.policy.Rules[level-1]); len(users) > 0 {
			s.assign(in, users, "escalation_policy", by)
			s.armClimb(in)
			return
		}
		level++
	}
}

// armClimb starts the wait of the present rung.
func (s *Server) armClimb(in *incident) {
	if s.closed || in.status != triggered || in.assignedBy != "escalation_policy" {
		return
	}
	if in.level < 1 || in.level > len(in.policy.Rules) {
		return
	}
	if _, more := in.next(); !more {
		return
	}
	delay := in.policy.Rules[in.level-1].Delay
	in.timer++
	mine := in.timer
	in.climbAt = s.clock.Now().Add(delay)
	in.stopClimb = s.clock.AfterFunc(delay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || in.timer != mine || in.status != triggered {
			return
		}
		s.timedOut(in)
	})
}

// next is the rung after this one; after the last the ladder starts again while it has
// loops left.
func (in *incident) next() (level int, more bool) {
	if in.level < len(in.policy.Rules) {
		return in.level + 1, true
	}
	return 1, in.loop < in.policy.Loops
}

func (s *Server) timedOut(in *incident) {
	level, more := in.next()
	if !more {
		return
	}
	if level == 1 {
		in.loop++
	}
	by := actor{channel: "timeout"}
	s.log(in, "escalate_log_entry", fmt.Sprintf("Escalated to level %d due to timeout", level), by)
	s.climb(in, level, by)
	s.say(in, "incident.escalated", by, nil)
	s.changed()
}

// armAckTimeout starts the service's wait for an acknowledgement to go stale.
func (s *Server) armAckTimeout(in *incident) {
	if s.closed || in.service.AckTimeout <= 0 {
		return
	}
	in.timer++
	mine := in.timer
	in.stopAck = s.clock.AfterFunc(in.service.AckTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || in.timer != mine {
			return
		}
		s.unacknowledge(in, actor{channel: "timeout"})
	})
}
