package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

// plainFor is how long a server counts as one without sub-issues; then it is asked
// again, since servers are upgraded.
const plainFor = 24 * time.Hour

// fileItem writes the issue of action item n or brings it up to date, and hangs it
// under the post-mortem.
func (p *Publisher) fileItem(ctx context.Context, t incident.Task, n int) (incident.ItemFiled, error) {
	if n < 1 || n > len(t.State.Items) {
		return incident.ItemFiled{}, incident.GiveUp(fmt.Errorf("file action item %d: there is none", n))
	}
	item := t.State.Items[n-1]
	w, err := p.open(ctx, t)
	if err != nil {
		return incident.ItemFiled{}, err
	}
	got, err := w.item(ctx, t, item)
	if err != nil {
		return incident.ItemFiled{}, verdict(err)
	}
	filed := incident.ItemFiled{N: n, Number: got.GetNumber(), URL: got.GetHTMLURL()}
	parent := t.State.Report.Number
	if parent == 0 {
		return filed, nil // publishing the post-mortem will link it
	}
	t.State.Items = slices.Clone(t.State.Items)
	t.State.Items[n-1].Number, t.State.Items[n-1].URL = filed.Number, filed.URL
	linked, err := w.link(ctx, t.State.Items[n-1:n], parent)
	if err == nil && !linked {
		_, _, err = w.postMortem(ctx, t) // with a task list that has the item in it
	}
	if err != nil {
		return incident.ItemFiled{}, verdict(err)
	}
	return filed, nil
}

func (w *place) item(ctx context.Context, t incident.Task, item incident.ActionItem) (*gh.Issue, error) {
	d, err := w.p.conf.RenderItem(ctx, t, item)
	if err != nil {
		return nil, fmt.Errorf("render action item %d: %w", item.N, err)
	}
	if d.Marker == "" {
		d.Marker = fmt.Sprintf("%s/%s/item/%d", t.State.Workspace, t.Incident, item.N)
	}
	if d, _, err = w.clean(t, d); err != nil {
		return nil, err
	}
	if who := t.State.Person(item.Owner).GitHub; who != "" && len(d.Assignees) == 0 && !t.State.IsExcluded(item.Owner) {
		d.Assignees = []string{who}
	}
	want := wish{title: d.Title, labels: d.Labels, assignees: d.Assignees}
	want.body = cut(mark(d.Marker)+"\n"+d.Body, maxBody)
	changed, _ := t.Event.Event.(incident.ItemChanged)
	want.exact = changed.N == item.N && changed.Owner != nil
	switch {
	case item.Done:
		want.state = "closed"
	case changed.N == item.N && changed.Done != nil:
		want.state = "open" // taken up again here; otherwise GitHub's own state stands
	}
	have, err := w.find(ctx, t, item.Number, mark(d.Marker))
	if err != nil {
		return nil, err
	}
	got, _, err := w.write(ctx, have, want)
	return got, err
}

// plainItem is an action item in a few lines.
func plainItem(_ context.Context, t incident.Task, item incident.ActionItem) (Document, error) {
	var b strings.Builder
	text := quiet(item.Text.String())
	fmt.Fprintf(&b, "%s\n\nAction item %d of the post-mortem of %s", text, item.N, t.Incident)
	if n := t.State.Report.Number; n > 0 {
		fmt.Fprintf(&b, " (#%d)", n)
	}
	b.WriteString(".\n")
	if item.Kind != "" {
		fmt.Fprintf(&b, "\n- Kind: %s", item.Kind)
	}
	if who := t.State.Person(item.Owner); item.Owner != "" {
		name := who.Name.Text
		if name == "" {
			name = string(item.Owner)
		}
		fmt.Fprintf(&b, "\n- Owner: %s", name)
	}
	if !item.Due.IsZero() {
		fmt.Fprintf(&b, "\n- Due: %s", item.Due.UTC().Format(time.DateOnly))
	}
	return Document{Title: fmt.Sprintf("[%s] %s", t.Incident, cut(oneLine(text), 200)), Body: b.String(), Private: t.State.Private}, nil
}

// quiet keeps text from notifying whoever has the name after an "@" on GitHub.
func quiet(text string) string { return strings.ReplaceAll(text, "@", "@\u200b") }

// link makes the issues of items sub-issues of the post-mortem. linked is false when
// the server has no sub-issues, or will not have these.
func (w *place) link(ctx context.Context, items []incident.ActionItem, parent int) (linked bool, err error) {
	items = slices.DeleteFunc(slices.Clone(items), func(i incident.ActionItem) bool { return i.Number == 0 })
	if len(items) == 0 {
		return !w.p.isPlain(w.full()), nil
	}
	if w.p.isPlain(w.full()) {
		return false, nil
	}
	have, ok, err := w.subIssues(ctx, parent)
	if err != nil || !ok {
		return false, err
	}
	for _, item := range items {
		if slices.Contains(have, item.Number) {
			continue
		}
		err := w.attach(ctx, parent, item.Number)
		switch s := statusOf(err); {
		case s == http.StatusUnprocessableEntity, s == http.StatusForbidden && !isWait(err):
			return false, nil // it hangs under another issue, or Tocsin may not: the task list names it
		case err != nil:
			return false, err
		}
	}
	return true, nil
}

func isWait(err error) bool {
	var t *trouble
	return errors.As(err, &t) && t.wait
}

// subIssues lists the numbers of an issue's sub-issues; ok is false where the server
// has none (404: GitHub Enterprise before 3.17 or so). The SDK does not know them.
func (w *place) subIssues(ctx context.Context, parent int) (numbers []int, ok bool, err error) {
	path := fmt.Sprintf("repos/%s/%s/issues/%d/sub_issues", w.owner, w.name, parent)
	for page := 1; page <= 3; page++ { // at most 100 sub-issues; GitHub, sub-issues
		var got []*gh.Issue
		var next int
		err := w.p.call(ctx, w.rank, CostRead, "read the sub-issues", func() (*gh.Response, error) {
			req, err := w.c.NewRequest(http.MethodGet, fmt.Sprintf("%s?per_page=100&page=%d", path, page), nil)
			if err != nil {
				return nil, err
			}
			resp, err := w.c.Do(ctx, req, &got)
			if resp != nil {
				next = resp.NextPage
			}
			return resp, err
		})
		if statusOf(err) == http.StatusNotFound {
			w.p.setPlain(w.full())
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		for _, i := range got {
			numbers = append(numbers, i.GetNumber())
		}
		if next == 0 {
			break
		}
	}
	return numbers, true, nil
}

func (w *place) attach(ctx context.Context, parent, number int) error {
	child, err := w.get(ctx, number) // the call wants the id, which is not the number
	if err != nil {
		return err
	}
	return w.p.call(ctx, w.rank, CostWrite, "attach a sub-issue", func() (*gh.Response, error) {
		req, err := w.c.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/issues/%d/sub_issues", w.owner, w.name, parent), map[string]int64{"sub_issue_id": child.GetID()})
		if err != nil {
			return nil, err
		}
		return w.c.Do(ctx, req, nil)
	})
}

func (p *Publisher) isPlain(repo string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, ok := p.plain[repo]
	return ok && p.conf.Clock.Now().Sub(seen) < plainFor
}

func (p *Publisher) setPlain(repo string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plain[repo] = p.conf.Clock.Now()
}
