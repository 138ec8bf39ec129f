package github

import (
	"fmt"
	"testing"
	"time"
)

// When an item is due is read from its own row, and from nothing that people wrote.
func TestTheDayAnIssueNames(t *testing.T) {
	for body, want := range map[string]string{
		"Scan it\n\n| Incident | INC-0001 |\n| --- | --- |\n| Due | 2031-03-17 |\n": "2031-03-17",
		"| Due | 2031-03-17 |\r\n":                      "2031-03-17",
		"- Due: 2031-03-17":                             "2031-03-17",
		"\\| Due \\| 2030-01-01 \\|\n| Due | not set |": "",
		"| Due | 2030-01-01 |\n\n| Due | 2031-03-17 |":  "2031-03-17",
		"| Due | 2031-02-31 |":                          "",
		"| Due | next week |":                           "",
		"> | Due | 2031-03-17 |":                        "",
		"it is | Due | 2031-03-17 | they say":           "",
		"":                                              "",
	} {
		got := ""
		if day := dueIn(body); !day.IsZero() {
			got = day.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("%q names %q, not %q", body, got, want)
		}
	}
	const hook = `{"action":"edited","issue":{"number":2,"body":"| Due | 2031-03-17 |","user":{"login":"bot"}},"repository":{"full_name":"a/b"},"sender":{"login":"dave"},"changes":{%s}}`
	for changes, said := range map[string]bool{`"body":{"from":"x"}`: true, `"title":{"from":"x"}`: false, ``: false} {
		if e, ok := parse(fmt.Appendf(nil, hook, changes)); !ok || e.Due.IsZero() == said {
			t.Errorf("%s: %+v, %v", changes, e, ok)
		}
	}
}
