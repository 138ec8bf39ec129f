package bot

import (
	"slices"
	"testing"
)

// Every event the manifest subscribes to is known with its scopes, and each scope that
// is taken away is missed by what it lets be heard.
func TestUnheard(t *testing.T) {
	t.Parallel()
	for _, e := range Events() {
		if _, ok := eventScopes[e]; !ok {
			t.Errorf("nothing says which scope lets %s come", e)
		}
	}
	if lost := Unheard(Scopes()); len(lost) > 0 {
		t.Errorf("with all scopes %q cannot come", lost)
	}
	for scope, want := range map[string][]string{
		"reactions:read": {"reaction_added", "reaction_removed"}, "im:history": {"message.im"}, "app_mentions:read": {"app_mention"},
		"channels:read": {"channel_archive", "channel_deleted"}, "pins:write": nil,
	} {
		left := slices.DeleteFunc(Scopes(), func(s string) bool { return s == scope })
		if got := Unheard(left); !slices.Equal(got, want) {
			t.Errorf("without %s: %q, want %q", scope, got, want)
		}
	}
}
