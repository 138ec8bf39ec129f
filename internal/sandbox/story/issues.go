package story

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

// issueForms list what happens at GitHub. Repositories are owner/name.
func issueForms() []form {
	about := func(pattern, help string, holds func(i github.Issue, a args) error) form {
		return expect("github issue <repo> <title> "+pattern, help, onIssue(holds))
	}
	return []form{
		about("has <text>", "in title, body or comments, as rendered", func(i github.Issue, a args) error {
			return holdsIf(says(shown(i), a["text"]), "it reads\n"+indent(shown(i)))
		}),
		never("github issue <repo> <title> lacks <text>", "neither rendered nor in the source", onIssue(func(i github.Issue, a args) error {
			raw := i.Title + "\n" + i.Body
			for _, c := range i.Comments {
				raw += "\n" + c.Body
			}
			return holdsIf(!says(shown(i), a["text"]) && !strings.Contains(raw, a["text"]), "it reads\n"+indent(raw))
		})),
		about("has sub-issue <text>", "", func(i github.Issue, a args) error {
			var have []string
			for _, s := range i.SubIssues {
				if says(s.Title, a["text"]) {
					return nil
				}
				have = append(have, s.Title)
			}
			return fmt.Errorf("its sub-issues are %q", have)
		}),
		about("has label <name>", "", func(i github.Issue, a args) error {
			return holdsIf(slices.ContainsFunc(i.Labels, func(l github.Label) bool { return l.Name == a["name"] }), fmt.Sprintf("its labels are %v", i.Labels))
		}),
		about("is assigned to <who>", "", func(i github.Issue, a args) error {
			return holdsIf(slices.Contains(i.Assignees, a["who"]), fmt.Sprintf("it is assigned to %v", i.Assignees))
		}),
		about("is open|closed", "", func(i github.Issue, a args) error {
			return holdsIf(i.State == a["open"], "it is "+i.State)
		}),
		expect("github has <n> issue|issues [titled <title>] in <repo>", "exactly so many, sub-issues counted", func(p *Player, a args) error {
			n := 0
			for _, i := range p.World.GitHub.Issues(a["repo"]) {
				if t, ok := a["title"]; !ok || says(i.Title, t) {
					n++
				}
			}
			return holdsIf(n == a.number("n", -1), fmt.Sprintf("there are %d, of %s", n, p.issues(a["repo"])))
		}),
		deed("<who> closes issue <title> [in <repo>]", "on the website", func(ctx context.Context, p *Player, a args) error {
			return p.inIssue(ctx, a, func(login, repo string, n int) error { return p.World.GitHub.CloseIssue(login, repo, n) })
		}),
		deed("<who> reopens issue <title> [in <repo>]", "", func(ctx context.Context, p *Player, a args) error {
			return p.inIssue(ctx, a, func(login, repo string, n int) error { return p.World.GitHub.Reopen(login, repo, n) })
		}),
		deed("<who> changes <text-old> to <text-new> in issue <title> [in <repo>]", "in its body, on the website", func(ctx context.Context, p *Player, a args) error {
			return p.until(ctx, func() error {
				return p.inIssue(ctx, a, func(login, repo string, n int) error {
					i, err := p.issue(repo, a["title"])
					if err != nil || !strings.Contains(i.Body, a["text-old"]) {
						return fmt.Errorf("it reads\n%s", indent(i.Body))
					}
					return p.World.GitHub.EditBody(login, repo, n, strings.ReplaceAll(i.Body, a["text-old"], a["text-new"]))
				})
			})
		}),
		deed("<who> comments <text> on issue <title> [in <repo>]", "", func(ctx context.Context, p *Player, a args) error {
			return p.inIssue(ctx, a, func(login, repo string, n int) error { return p.World.GitHub.Comment(login, repo, n, a["text"]) })
		}),
	}
}

const usualRepo = "acme/security-incidents"

func onIssue(holds func(github.Issue, args) error) func(*Player, args) error {
	return func(p *Player, a args) error {
		i, err := p.issue(a["repo"], a["title"])
		if err != nil {
			return err
		}
		if err := holds(i, a); err != nil {
			return fmt.Errorf("%s#%d: %w", a["repo"], i.Number, err)
		}
		return nil
	}
}

func (p *Player) issue(repo, title string) (github.Issue, error) {
	for _, i := range p.World.GitHub.Issues(repo) {
		if says(i.Title, title) {
			return i, nil
		}
	}
	return github.Issue{}, fmt.Errorf("no issue is titled %q; there are %s", title, p.issues(repo))
}

func (p *Player) issues(repo string) string {
	var out []sight
	for _, i := range p.World.GitHub.Issues(repo) {
		out = append(out, sight{"", fmt.Sprintf("#%d %s (%s)", i.Number, i.Title, i.State)})
	}
	return strings.TrimSpace(last(out, 12))
}

func (p *Player) inIssue(ctx context.Context, a args, do func(login, repo string, n int) error) error {
	who, ok := p.World.Person(a["who"])
	if !ok || who.GitHub == "" {
		return fmt.Errorf("%s has no account at GitHub", a["who"])
	}
	repo := a["repo"]
	if repo == "" {
		repo = usualRepo
	}
	return p.until(ctx, func() error {
		i, err := p.issue(repo, a["title"])
		if err != nil {
			return err
		}
		if err := do(who.GitHub, repo, i.Number); err != nil {
			return errSure{err}
		}
		return nil
	})
}

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	mdLink  = regexp.MustCompile(`\[([^\]\n]*)\]\([^)\n]*\)`)
	escaped = regexp.MustCompile(`\\([\\*_{}\[\]()#+.!|<>~-]|` + "`)")
)

// shown is an issue as a reader sees it: without hidden comments, marks and addresses.
func shown(i github.Issue) string {
	text := i.Title + "\n" + i.Body
	for _, c := range i.Comments {
		text += "\n" + c.By + ": " + c.Body
	}
	text = comment.ReplaceAllString(text, "")
	text = mdLink.ReplaceAllString(text, "$1")
	text = escaped.ReplaceAllString(text, "$1")
	return unescape.Replace(plain(text))
}

func indent(text string) string {
	if r := []rune(text); len(r) > 6000 {
		text = string(r[:6000]) + " …(cut)"
	}
	return "  | " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  | ")
}
