package app

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// covered fails the test for a method or an event of the sandbox that had no payload,
// and tells with -v what only an app that is not Tocsin brought about.
func covered(t *testing.T, told, others []specimen) {
	t.Helper()
	inStories, elsewhere := whats(told), whats(others)
	var only []string
	for _, what := range sandboxHas() {
		switch {
		case inStories[what]:
		case elsewhere[what]:
			only = append(only, what)
		default:
			t.Errorf("nothing was seen of: %s", what)
		}
	}
	t.Logf("not in the stories, and judged by what another app asked and heard: %s", strings.Join(only, ", "))
	var rest []string
	for _, what := range slices.Sorted(maps.Keys(elsewhere)) {
		if !slices.Contains(sandboxHas(), what) {
			rest = append(rest, what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(inStories)) {
		if !slices.Contains(sandboxHas(), what) && !elsewhere[what] {
			rest = append(rest, what)
		}
	}
	t.Logf("seen besides methods and events: %s", strings.Join(rest, ", "))
}

// sandboxHas is all that there must be a payload of.
func sandboxHas() (out []string) {
	for _, m := range slack.Methods() {
		out = append(out, "request "+m.Name, "answer "+m.Name)
	}
	for _, e := range slack.Events() {
		out = append(out, "event "+e)
	}
	return out
}

// whats are the kinds of payloads; events of messages by the kind of channel too, as an
// app subscribes to them.
func whats(all []specimen) map[string]bool {
	plural := map[any]string{"channel": "channels", "group": "groups", "im": "im"}
	out := map[string]bool{}
	for _, s := range all {
		out[s.What] = true
		if said, is := s.Said.(map[string]any); is && strings.HasPrefix(s.What, "event message") {
			out["event message."+plural[said["channel_type"]]] = true
		}
	}
	return out
}
