package slack

import "time"

// Troubles that are no faults of a method; those are in Faults.

// LoseAcks loses the next n acknowledgements on sockets, as a bad network does.
func (s *Server) LoseAcks(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loseAcks = n
}

// RepeatEvents delivers each of the next n events twice, as Slack sometimes does.
func (s *Server) RepeatEvents(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repeat = n
}

// RevokeTokens makes every call answer token_revoked, or lets the tokens be good again.
func (s *Server) RevokeTokens(revoked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = revoked
}

// SkewSignatures moves the time stamp of signed requests away from the machine's
// time; an app must refuse more than five minutes.
func (s *Server) SkewSignatures(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = by
}
