package templates

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/incident"
)

const nasty = "<!channel> *fake* <@U1> [x](http://evil.example) `code` @here #general --> <!-- tocsin:INC-1/1/1 --> <script>alert(1)</script> @octocat fixes #12 GH-7 https://github.com/a/b/issues/1 \u202e\u200bhidden\x1b[31m ~gone~ _it_ | cell"

var live = regexp.MustCompile(`<[!@#a-zA-Z][^>]*>`)

// ours are the only tokens a card may carry.
var ours = regexp.MustCompile(`^<(@U0[A-Z]+|#C042|!date\^\d+\^\{date_short_pretty\} \{time\}\|[0-9: -]+UTC|https://(slack|github)\.example\.com/[^|>]*(\|[a-z0-9 ]+)?)>$`)

func checkCard(t *testing.T, what string, c Card) {
	t.Helper()
	for _, s := range cardTexts(c) {
		for _, tok := range live.FindAllString(s, -1) {
			if !ours.MatchString(tok) {
				t.Errorf("%s: a person's text became live: %s", what, tok)
			}
		}
		if strings.Contains(s, "*fake*") || strings.Contains(s, "`code`") || strings.Contains(s, "@here") || strings.Contains(s, "http://evil") || strings.ContainsAny(s, "\u202e\x1b") {
			t.Errorf("%s: a person's text can fake: %s", what, s)
		}
	}
}

func cardTexts(c Card) []string {
	out := []string{c.Lead}
	for _, b := range c.Blocks {
		out = append(out, b.Text)
		out = append(out, b.Context...)
		for _, f := range b.Fields {
			out = append(out, f.Value)
		}
	}
	return out
}

func everything(nasty string) *record {
	r := theft(nasty, false, false)
	r.at(41, "alice", met("zed", "", nasty), incident.Updated{Text: incident.Seal(nasty)}, incident.Noted{Text: incident.Seal(nasty)},
		incident.TaskAdded{N: 3, Text: incident.Seal(nasty), Phase: incident.Containment, Owner: "zed"},
		incident.Scoped{N: 3, Kind: incident.ScopeHost, Name: incident.Seal(nasty), State: incident.Suspected, Note: incident.Seal(nasty)},
		incident.ItemAdded{N: 1, Text: incident.Seal(nasty), Kind: "detect", Owner: "zed"},
		incident.PostMortemEdited{Section: incident.SectionLessons, Text: incident.Seal("# head\n" + nasty + "\n---\n- x")},
		incident.RoleTaken{Role: "scribe", Person: "zed"})
	return r
}

func TestNobodyCanFakeAnythingInACard(t *testing.T) {
	r := everything(nasty)
	now := at(60)
	for name, c := range map[string]Card{
		"summary": Summary(r.s, now), "announcement": Announcement(r.s, now), "status": Status(r.s, now), "list": List([]incident.State{r.s}, now),
		"tasks": Tasks(r.s), "scope": ScopeCard(r.s), "timeline": TimelineCard(Timeline(r.events), 1), "items": Items(r.s),
		"catchup": Catchup(r.s, Timeline(r.events), time.Time{}, now), "handoff": Handoff(r.s, Timeline(r.events), now), "plan": PlanCard(r.s, house{}, now),
		"home": Home(Me{Person: r.s.Person("alice"), Incidents: []incident.State{r.s}, Duties: Duties(r.s, "alice", now)}, now),
	} {
		checkCard(t, name, c)
		if strings.ContainsAny(Terminal(c), "\x1b\u202e") {
			t.Errorf("%s steers the terminal", name)
		}
	}
	for _, e := range r.events {
		for _, to := range []incident.Place{incident.PlaceRoom, incident.PlacePerson, incident.PlaceAnnounce} {
			task := incident.Task{Owed: incident.Owed{Effect: incident.Say{To: to, Person: "alice"}}, State: r.s, Event: e}
			checkCard(t, incident.KindOf(e.Event), Said(task, to))
		}
	}
}

func TestNobodyCanFakeAnythingInADocument(t *testing.T) {
	r := everything(nasty)
	for _, d := range []Document{
		PostMortem(r.s, r.events, Options{Marker: "INC-0042/9/1"}), ItemIssue(r.s, r.s.Items[0], Options{Marker: "INC-0042/9/1"}),
	} {
		if strings.Count(d.Body, "<!--") != 1 || !strings.HasPrefix(d.Body, "<!-- tocsin:INC-0042/9/1 -->\n") {
			t.Errorf("a marker can be faked in %s", d.Title)
		}
		for _, bad := range []string{"<script", "@octocat", "#12", "GH-7", "https://github.com/a", "](http://evil", "\n# head", "\n---\n-", "\u202e", "`code`"} {
			if strings.Contains(d.Body, bad) || strings.Contains(d.Title, bad) && bad != "<script" { // GitHub escapes titles
				t.Errorf("%q got into %s", bad, d.Title)
			}
		}
		for _, l := range strings.Split(d.Body, "\n") {
			if strings.HasPrefix(l, "| ") && !strings.HasSuffix(l, " |") {
				t.Errorf("a table row was broken: %s", l)
			}
		}
	}
}

// What a confidential incident holds never leaves its room.
func TestAConfidentialIncidentIsACodenameOutside(t *testing.T) {
	const taint = "zebrafish"
	r := everything(taint + " secret")
	r.s.Private, r.s.Type = true, taint
	for i, e := range r.events {
		if d, ok := e.Event.(incident.Declared); ok {
			d.Private, d.FromText, d.Type = true, incident.Seal(taint), taint
			r.events[i].Event = d
		}
	}
	r.at(90, "alice", incident.WasResolved{Text: incident.Seal(taint)}, incident.EffectDied{Effect: "INC-0042/1/1", Kind: "publish", Why: taint},
		incident.Kept{Ref: incident.MessageRef{Channel: "C042", TS: "7", Permalink: "https://slack.example.com/" + taint}, Author: "zed", Text: incident.Seal(taint)},
		incident.VendorNoted{Vendor: incident.VendorRef{Vendor: "pagerduty"}, Kind: "incident.annotated", Text: incident.Seal(taint)},
		incident.EntryEdited{Seq: 30, Text: incident.Seal(taint), Why: incident.Seal(taint)},
		incident.SeveritySet{From: incident.P1, To: incident.P2, Reason: incident.Seal(taint)},
		incident.WasReopened{Why: incident.Seal(taint)}, incident.WasClosed{Waived: incident.Seal(taint)},
		incident.Unacknowledged{Person: "bob", Why: incident.Seal(taint)}, incident.TaskChanged{N: 3, Done: ptr(true)},
		incident.TimeSet{Which: incident.Impact, At: at(-5), Why: incident.Seal(taint)}, incident.Retitled{Title: incident.Seal(taint)}, incident.TypeSet{From: taint, To: taint},
		incident.ClockBreached{Clock: "task/3", Due: at(1)}, incident.LadderStarted{Ladder: okta, Why: incident.Seal(taint)})
	leak := func(where, text string) {
		t.Helper()
		if strings.Contains(strings.ToLower(text), taint) {
			t.Errorf("%s tells it:\n%s", where, text)
		}
	}
	for _, e := range r.events {
		for _, to := range []incident.Place{incident.PlacePerson, incident.PlaceAnnounce} {
			task := incident.Task{Owed: incident.Owed{Effect: incident.Say{To: to, Person: "alice"}}, State: r.s, Event: e}
			leak(string(to)+" "+incident.KindOf(e.Event), spell(Said(task, to)))
		}
	}
	o := Options{Marker: "INC-0042/1/1"}
	pm, item := PostMortem(r.s, r.events, o), ItemIssue(r.s, r.s.Items[0], o)
	leak("post-mortem", pm.Title+pm.Body+strings.Join(pm.Labels, " "))
	leak("issue", item.Title+item.Body+strings.Join(item.Labels, " "))
	for _, name := range []string{"Alice", "Bob", "alice-gh", "mallory"} {
		if strings.Contains(pm.Title+pm.Body, name) || len(pm.Assignees) > 0 {
			t.Errorf("the confidential post-mortem names %s", name)
		}
	}
	leak("announcement", spell(Announcement(r.s, at(95))))
	leak("room names", strings.Join(RoomNames(r.s), " "))
	leak("topic", Topic(r.s)+Purpose(r.s))
	leak("home", spell(Home(Me{Person: r.s.Person("alice"), Incidents: []incident.State{r.s}, Duties: Duties(r.s, "alice", at(95))}, at(95))))
	leak("list", spell(List([]incident.State{r.s}, at(95))))
}

var entity = regexp.MustCompile(`^&(amp|lt|gt);`)

// Whatever length comes in, what goes out fits Slack.
func TestLongTextIsCheapAndBounded(t *testing.T) {
	for _, in := range []string{strings.Repeat("http://", 40_000), strings.Repeat("&\n", 40_000), strings.Repeat("\u0301", 100_000), strings.Repeat("<!channel>", 20_000)} {
		r := theft(in, false, false).at(41, "alice", incident.Updated{Text: incident.Seal(in)})
		for _, c := range []Card{r.said(incident.PlaceRoom, ""), Summary(r.s, at(42)), Status(r.s, at(42)), TimelineCard(Timeline(r.events), 1)} {
			total := 0
			for _, b := range c.Blocks {
				total += utf8.RuneCountInString(b.Text)
				if n := utf8.RuneCountInString(b.Text); n > 3000 || utf8.RuneCountInString(b.Header) > maxHeader {
					t.Errorf("a block of %d runes", n)
				}
			}
			if total > 12_000 {
				t.Errorf("a card of %d runes", total)
			}
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{nasty, "", "a&b", "ünïcödé 🧑‍🚒", strings.Repeat("&", 5000), "http://http://x", "\n\n\n> q", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := Plain(in)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > maxPlain {
			t.Fatalf("not valid or too long: %q", out)
		}
		if strings.ContainsAny(out, "<>*`~") || strings.Contains(strings.ToLower(out), "http://") {
			t.Fatalf("live: %q", out)
		}
		for i, c := range out {
			if unicode.IsControl(c) && c != '\n' {
				t.Fatalf("control character %U", c)
			}
			if c == '&' && !entity.MatchString(out[i:]) {
				t.Fatalf("a bare or cut entity at %d: %q", i, out)
			}
		}
		if d := Defang(in); Defang(d) != d {
			t.Fatalf("Defang is not idempotent: %q, %q", d, Defang(d))
		}
		if md := Markdown(in); strings.ContainsAny(md, "<>") {
			t.Fatalf("html: %q", md)
		}
		if s := Slug(in); len(s) > maxSlug || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") {
			t.Fatalf("slug %q", s)
		}
		mermaidText(in)
		Label(in, 75)
	})
}
