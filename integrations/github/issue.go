package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	label    = "tocsin"
	maxTitle = 256 // characters; GitHub, issues
	maxLabel = 50  // characters of a label
	maxPages = 10  // of 100 issues or comments that are looked through
)

// wish is an issue as it is to be.
type wish struct {
	title     string
	body      string
	labels    []string
	assignees []string
	exact     bool   // these assignees and no others
	state     string // "open", "closed" or "" for as it is
}

// find looks for the issue that carries the marker: under its number first, then
// among those with our label, then among all that were touched since the incident
// was declared (labels are dropped where Tocsin may not push). Search is not asked:
// it does not know yet what was written a moment ago.
func (w *place) find(ctx context.Context, t incident.Task, number int, marker string) (*gh.Issue, error) {
	if number > 0 {
		got, err := w.get(ctx, number)
		if err == nil {
			return got, nil
		}
		if s := statusOf(err); s != http.StatusNotFound && s != http.StatusGone {
			return nil, err
		}
	}
	o := &gh.IssueListByRepoOptions{State: "all", Labels: []string{label, idLabel(t.Incident)}, Sort: "created", Direction: "asc"}
	got, err := w.scan(ctx, o, marker)
	if err != nil || got != nil {
		return got, err
	}
	return w.scan(ctx, &gh.IssueListByRepoOptions{State: "all", Sort: "created", Direction: "desc", Since: t.State.Declared}, marker)
}

func (w *place) get(ctx context.Context, number int) (got *gh.Issue, err error) {
	err = w.p.call(ctx, w.rank, CostRead, fmt.Sprintf("read issue %d", number), func() (resp *gh.Response, err error) {
		got, resp, err = w.c.Issues.Get(ctx, w.owner, w.name, number)
		return resp, err
	})
	return got, err
}

func (w *place) scan(ctx context.Context, o *gh.IssueListByRepoOptions, marker string) (*gh.Issue, error) {
	o.PerPage = 100
	for range maxPages {
		var page []*gh.Issue
		var next int
		err := w.p.call(ctx, w.rank, CostRead, "look for the issue", func() (*gh.Response, error) {
			got, resp, err := w.c.Issues.ListByRepo(ctx, w.owner, w.name, o)
			if resp != nil {
				next = resp.NextPage
			}
			page = got
			return resp, err
		})
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			if !i.IsPullRequest() && strings.HasPrefix(i.GetBody(), marker) {
				return i, nil
			}
		}
		if next == 0 {
			return nil, nil
		}
		o.Page = next
	}
	return nil, nil
}

// write makes the issue or brings it up to date, reads it back and says what GitHub
// dropped. An assignee GitHub does not accept costs only the assignees.
func (w *place) write(ctx context.Context, have *gh.Issue, want wish) (*gh.Issue, []string, error) {
	got, err := w.put(ctx, have, want)
	if statusOf(err) == http.StatusUnprocessableEntity && len(want.assignees) > 0 {
		bare := want
		bare.assignees, bare.exact = nil, false
		if got, err = w.put(ctx, have, bare); err != nil {
			return nil, nil, err
		}
	}
	if err != nil {
		return nil, nil, err
	}
	back, err := w.get(ctx, got.GetNumber())
	if err != nil {
		return nil, nil, err
	}
	return back, dropped(back, want), nil
}

func (w *place) put(ctx context.Context, have *gh.Issue, want wish) (got *gh.Issue, err error) {
	r := &gh.IssueRequest{Title: &want.title, Body: &want.body}
	if have == nil {
		r.Labels, r.Assignees = list(want.labels), list(want.assignees)
		err = w.p.call(ctx, w.rank, CostWrite, "create the issue", func() (resp *gh.Response, err error) {
			got, resp, err = w.c.Issues.Create(ctx, w.owner, w.name, r)
			return resp, err
		})
		if err != nil || want.state != "closed" {
			return got, err
		}
		have = got
	}
	labels, assignees := union(labelsOf(have), want.labels), union(loginsOf(have), want.assignees)
	if want.exact {
		assignees = want.assignees
	}
	if same(have.GetTitle(), want.title) && same(have.GetBody(), want.body) && equal(labels, labelsOf(have)) &&
		equal(assignees, loginsOf(have)) && (want.state == "" || want.state == have.GetState()) {
		return have, nil
	}
	r.Labels, r.Assignees = list(labels), list(assignees)
	if want.state != "" {
		r.State = &want.state
		if want.state == "closed" {
			r.StateReason = gh.String("completed")
		}
	}
	err = w.p.call(ctx, w.rank, CostWrite, fmt.Sprintf("edit issue %d", have.GetNumber()), func() (resp *gh.Response, err error) {
		got, resp, err = w.c.Issues.Edit(ctx, w.owner, w.name, have.GetNumber(), r)
		return resp, err
	})
	return got, err
}

// dropped names what was wished for and is not there.
func dropped(back *gh.Issue, want wish) (out []string) {
	labels, logins := missing(labelsOf(back), want.labels), missing(loginsOf(back), want.assignees)
	if len(labels) > 0 {
		out = append(out, "GitHub dropped the labels "+strings.Join(labels, ", ")+": Tocsin's account needs push access.")
	}
	if len(logins) > 0 {
		out = append(out, "GitHub did not assign "+strings.Join(logins, ", ")+": they or Tocsin's account lack access to the repository.")
	}
	return out
}

// list is never null in JSON: GitHub's description wants an array or nothing.
func list(of []string) *[]string {
	if of == nil {
		of = []string{}
	}
	return &of
}

func labelsOf(i *gh.Issue) (out []string) {
	for _, l := range i.Labels {
		out = append(out, l.GetName())
	}
	return out
}

func loginsOf(i *gh.Issue) (out []string) {
	for _, u := range i.Assignees {
		out = append(out, u.GetLogin())
	}
	return out
}

func has(list []string, v string) bool {
	return slices.ContainsFunc(list, func(o string) bool { return strings.EqualFold(o, v) })
}

func union(a, b []string) []string {
	out := append([]string{}, a...)
	for _, v := range b {
		if !has(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func missing(have, want []string) (out []string) {
	for _, v := range want {
		if !has(have, v) {
			out = append(out, v)
		}
	}
	return out
}

func equal(a, b []string) bool { return len(missing(a, b)) == 0 && len(missing(b, a)) == 0 }

// same compares texts as GitHub keeps them, with line ends of its own.
func same(a, b string) bool {
	norm := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return norm(a) == norm(b)
}

func idLabel(id incident.ID) string { return cut(string(id), maxLabel) }

// cut shortens text to n runes, marking that it did.
func cut(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}
