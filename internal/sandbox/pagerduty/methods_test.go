package pagerduty

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type still struct{}

func (still) Now() time.Time                                     { return time.Unix(0, 0) }
func (still) AfterFunc(time.Duration, func()) (stop func() bool) { return func() bool { return true } }

// TestTheTableOfMethodsIsWhatIsServed keeps the documentation and the code together.
func TestTheTableOfMethodsIsWhatIsServed(t *testing.T) {
	t.Parallel()
	s := New(Config{Clock: still{}, APIToken: "t"})
	listed := map[string]bool{}
	for _, m := range Methods() {
		listed[m.Name] = true
		verb, path, _ := strings.Cut(m.Name, " ")
		if got := s.method(httptest.NewRequest(verb, strings.ReplaceAll(path, "{id}", "PXXXXXX"), nil)); got != m.Name {
			t.Errorf("%s is listed, and %q serves it", m.Name, got)
		}
		if len(m.Rules) == 0 {
			t.Errorf("%s has no rules", m.Name)
		}
	}
	for _, name := range s.served {
		if !listed[name] {
			t.Errorf("%s is served and not listed", name)
		}
	}
}
