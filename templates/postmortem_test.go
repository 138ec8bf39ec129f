package templates

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
)

func TestPostMortemIsWrittenFromTheRecord(t *testing.T) {
	r := theft("okta session theft", false, false).over()
	d := PostMortem(r.s, r.events, Options{Marker: "INC-0042/40/1", Labels: []string{"team:sec"}})
	golden(t, "postmortem.md", d.Title+"\n"+strings.Join(d.Labels, " ")+"\n"+strings.Join(d.Assignees, " ")+"\n\n"+d.Body)
	for _, want := range []string{"<!-- tocsin:INC-0042/40/1 -->\n", "Not acknowledged in time: done after 17 min, target 15 min, 2 min late", "1 status update was missed", notWritten, "evil\\[.\\]example\\[.\\]com"} {
		if !strings.Contains(d.Body, want) {
			t.Errorf("the post-mortem lacks %q", want)
		}
	}
	i := ItemIssue(r.s, r.s.Items[0], Options{Marker: "INC-0042/41/1"})
	golden(t, "item.md", i.Title+"\n"+strings.Join(i.Labels, " ")+"\n"+strings.Join(i.Assignees, " ")+"\n\n"+i.Body)

	quiet := theft("okta session theft", true, true).over()
	d = PostMortem(quiet.s, quiet.events, Options{Marker: "INC-0042/40/1"})
	golden(t, "postmortem-confidential.md", d.Title+"\n"+strings.Join(d.Labels, " ")+"\n"+strings.Join(d.Assignees, " ")+"\n\n"+d.Body)
}

func TestMermaidStaysAChart(t *testing.T) {
	r := theft("okta session theft", false, false)
	r.at(41, "alice", incident.Updated{Text: incident.Seal("a : b\n    section fake\n```\n%%{init: {}}%% end; \"x\" <b> #quot; --> y")})
	chart := regexp.MustCompile("(?s)```mermaid\n(.*?)```").FindStringSubmatch(PostMortem(r.s, r.events, Options{}).Body)
	if chart == nil {
		t.Fatal("no chart")
	}
	line := regexp.MustCompile(`^(timeline|    title [^:;#"{}<>%]+|    section [A-Z][a-z]+|        (\d\d-\d\d )?\d\dh\d\d : [^:;#"{}<>%\x60]+)$`)
	for _, l := range strings.Split(strings.TrimSuffix(chart[1], "\n"), "\n") {
		if !line.MatchString(l) {
			t.Errorf("not a line of a timeline: %q", l)
		}
	}
}

func TestBlamefulHints(t *testing.T) {
	hints := Blameful("Obviously Bob should have checked. It was human error; he failed to read the page.")
	var words []string
	for _, h := range hints {
		words = append(words, h.Words)
	}
	if want := []string{"Obviously", "should have", "human error", "failed to read"}; !slices.Equal(words, want) {
		t.Errorf("got %q, want %q", words, want)
	}
	if h := Blameful("The alert reached nobody because the schedule was empty."); len(h) != 0 {
		t.Errorf("a blameless sentence is hinted at: %+v", h)
	}
}
