package contain

import (
	"bytes"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// Ledger is a copy of what this host remembers between directives: which key orders it, and the
// highest number that was accepted.
func (h *Hands) Ledger() directive.Ledger {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.state.Ledger
	l.Key, l.Spent = bytes.Clone(l.Key), nil
	return l
}
