package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/incident"
)

// publish writes the post-mortem or brings it up to date.
func (p *Publisher) publish(ctx context.Context, t incident.Task) (incident.Published, error) {
	w, err := p.open(ctx, t)
	if err != nil {
		return incident.Published{}, err
	}
	got, said, err := w.postMortem(ctx, t)
	if err != nil {
		return incident.Published{}, verdict(err)
	}
	return incident.Published{Repo: w.full(), Number: got.GetNumber(), URL: got.GetHTMLURL(), Trouble: strings.Join(said, " ")}, nil
}

// postMortem renders and writes the issue with its comments and sub-issues, and says
// what went otherwise than wished.
func (w *place) postMortem(ctx context.Context, t incident.Task) (*gh.Issue, []string, error) {
	plain := w.p.isPlain(w.full())
	d, masked, err := w.render(ctx, t, plain)
	if err != nil {
		return nil, nil, err
	}
	have, err := w.find(ctx, t, t.State.Report.Number, mark(d.Marker))
	if err != nil {
		return nil, nil, err
	}
	got, said, err := w.writeLong(ctx, t, have, d)
	if err != nil {
		return nil, nil, err
	}
	if n := t.State.Report.Number; n > 0 && n != got.GetNumber() {
		said = append(said, fmt.Sprintf("Issue %d is gone; this is a new one.", n))
	}
	linked, err := w.link(ctx, t.State.Items, got.GetNumber())
	if err != nil {
		return nil, nil, err
	}
	if !linked && len(t.State.Items) > 0 {
		said = append(said, "Action items could not be linked as sub-issues: they are a task list.")
	}
	if !linked && !plain && len(t.State.Items) > 0 {
		if d, masked, err = w.render(ctx, t, true); err != nil {
			return nil, nil, err
		}
		if got, _, err = w.writeLong(ctx, t, got, d); err != nil {
			return nil, nil, err
		}
	}
	return got, append(said, masked...), nil
}

// render writes the document and masks it. What is confidential appears by codename,
// whatever the template does.
func (w *place) render(ctx context.Context, t incident.Task, taskList bool) (Document, []string, error) {
	d, err := w.p.conf.Render(ctx, t, Facts{Repo: w.full(), TaskList: taskList})
	if err != nil {
		return Document{}, nil, fmt.Errorf("render the post-mortem: %w", err)
	}
	if d.Marker == "" {
		d.Marker = t.State.Workspace + "/" + string(t.Incident) + "/postmortem"
	}
	return w.clean(t, d)
}

// clean masks title and body and refuses a confidential document in a wide place.
func (w *place) clean(t incident.Task, d Document) (Document, []string, error) {
	if d.Private && w.visibility != "private" {
		return Document{}, nil, incident.GiveUp(errors.New("publish to " + w.full() + ": the document is confidential and the repository is " + w.visibility))
	}
	if t.State.Private {
		d.Title, d.Body = veil(d.Title, t.State), veil(d.Body, t.State)
	}
	var found, more []string
	d.Title, found = w.p.conf.Mask(oneLine(d.Title))
	d.Body, more = w.p.conf.Mask(d.Body)
	if d.Title = cut(strings.TrimSpace(d.Title), maxTitle); d.Title == "" {
		d.Title = string(t.Incident)
	}
	d.Labels = union([]string{label, idLabel(t.Incident)}, d.Labels)
	for i, l := range d.Labels {
		d.Labels[i] = cut(oneLine(l), maxLabel)
	}
	if what := union(union(nil, found), more); len(what) > 0 {
		return d, []string{"Masked before publishing: " + strings.Join(what, ", ") + "."}, nil
	}
	return d, nil, nil
}

// veil puts the codename where the title of a confidential incident got through.
func veil(text string, s incident.State) string {
	title := strings.TrimSpace(s.Title.Text)
	if len([]rune(title)) < 4 {
		return text
	}
	return strings.ReplaceAll(text, title, s.Codename)
}

// writeLong writes the issue and, for what its body does not hold, comments. The same
// comments are used again; those that are needed no more say so.
func (w *place) writeLong(ctx context.Context, t incident.Task, have *gh.Issue, d Document) (*gh.Issue, []string, error) {
	parts := split(d.Body, maxBody)
	want := wish{title: d.Title, labels: d.Labels, assignees: d.Assignees}
	want.body = mark(d.Marker) + "\n" + parts[0]
	if len(parts) > 1 {
		want.body += "\n\n*Continued in the comments below.*\n"
		if have != nil {
			// Until the comments are right, the issue keeps the links it had.
			if i := strings.LastIndex(have.GetBody(), continued); i > 0 {
				want.body = mark(d.Marker) + "\n" + parts[0] + have.GetBody()[i:]
			}
		}
	}
	got, said, err := w.write(ctx, have, want)
	if err != nil {
		return nil, nil, err
	}
	links, err := w.comments(ctx, got, d.Marker, parts)
	if err != nil {
		return nil, nil, err
	}
	if len(links) > 0 {
		want.body = mark(d.Marker) + "\n" + parts[0] + continued
		for i, url := range links {
			want.body += fmt.Sprintf(" [part %d](%s)", i+2, url)
		}
		want.body += "\n"
		if got, said, err = w.write(ctx, got, want); err != nil {
			return nil, nil, err
		}
	}
	return got, said, nil
}

const continued = "\n\n**Continued:**"

// comments brings the comments that carry the parts after the first up to date and
// returns their addresses.
func (w *place) comments(ctx context.Context, issue *gh.Issue, marker string, parts []string) ([]string, error) {
	if len(parts) == 1 && issue.GetComments() == 0 {
		return nil, nil
	}
	have, err := w.ours(ctx, issue.GetNumber(), marker)
	if err != nil {
		return nil, err
	}
	var links []string
	for i := 2; i <= len(parts); i++ {
		body := fmt.Sprintf("%s\n*Part %d of %d.*\n\n%s", mark(partOf(marker, i)), i, len(parts), parts[i-1])
		c, err := w.comment(ctx, issue.GetNumber(), have[i], body)
		if err != nil {
			return nil, err
		}
		links = append(links, c.GetHTMLURL())
	}
	for i, c := range have {
		if i <= len(parts) {
			continue
		}
		body := mark(partOf(marker, i)) + "\n*This part is empty now: the text above has become shorter.*"
		if _, err := w.comment(ctx, issue.GetNumber(), c, body); err != nil {
			return nil, err
		}
	}
	return links, nil
}

func partOf(marker string, n int) string { return fmt.Sprintf("%s/part-%d", marker, n) }

// ours are the comments with our marker, by the number of their part.
func (w *place) ours(ctx context.Context, number int, marker string) (map[int]*gh.IssueComment, error) {
	out := map[int]*gh.IssueComment{}
	o := &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{PerPage: 100}}
	prefix := strings.TrimSuffix(mark(marker), " -->") + "/part-"
	for range maxPages {
		var page []*gh.IssueComment
		var next int
		err := w.p.call(ctx, w.rank, CostRead, "read the comments", func() (*gh.Response, error) {
			got, resp, err := w.c.Issues.ListComments(ctx, w.owner, w.name, number, o)
			if resp != nil {
				next = resp.NextPage
			}
			page = got
			return resp, err
		})
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			rest, ok := strings.CutPrefix(c.GetBody(), prefix)
			var n int
			if ok {
				_, err := fmt.Sscanf(rest, "%d -->", &n)
				ok = err == nil
			}
			if ok && n > 1 && out[n] == nil {
				out[n] = c
			}
		}
		if next == 0 {
			break
		}
		o.Page = next
	}
	return out, nil
}

func (w *place) comment(ctx context.Context, number int, have *gh.IssueComment, body string) (got *gh.IssueComment, err error) {
	if have != nil && same(have.GetBody(), body) {
		return have, nil
	}
	err = w.p.call(ctx, w.rank, CostWrite, "write a comment", func() (resp *gh.Response, err error) {
		if have == nil {
			got, resp, err = w.c.Issues.CreateComment(ctx, w.owner, w.name, number, &gh.IssueComment{Body: &body})
			return resp, err
		}
		got, resp, err = w.c.Issues.EditComment(ctx, w.owner, w.name, have.GetID(), &gh.IssueComment{Body: &body})
		return resp, err
	})
	return got, err
}
