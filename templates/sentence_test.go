package templates

import (
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
)

func TestEveryEventHasASentenceOrIsBookkeeping(t *testing.T) {
	silent := map[string]bool{"met": true, "message_pinned": true, "clock_set": true, "clock_stopped": true, "entry_edited": true, "entry_hidden": true, "redacted": true, "card_posted": true}
	var b strings.Builder
	for _, e := range everyEvent() {
		r := theft("okta session theft", false, false).at(45, "alice", e)
		say := Sentence(r.s, r.events[len(r.events)-1])
		kind := incident.KindOf(e)
		if x, ok := e.(incident.Reminded); say == "" && !silent[kind] && (!ok || !strings.HasPrefix(x.What, "dead/")) {
			t.Errorf("%s has no sentence", kind)
		}
		if strings.Contains(say, "<@") {
			t.Errorf("%s mentions somebody: %s", kind, say)
		}
		b.WriteString(kind + ": " + say + "\n")
	}
	golden(t, "sentences.txt", b.String())
}
