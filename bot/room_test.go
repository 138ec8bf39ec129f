package bot

import "testing"

// What is to be said stands apart from the words around it, or it is neither read nor drawn as code.
func TestWordsToSayStandApart(t *testing.T) {
	for text, want := range map[string]string{
		"If you take the duty, say `ack i-have-it`.": "If you take the duty, say `ack i-have-it`.",
		"`signals rules` lists them; see `help`":     "`signals rules` lists them; see `help`",
		"no code":                                    "no code",
	} {
		if got := coded(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
