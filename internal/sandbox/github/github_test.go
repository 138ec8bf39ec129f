package github_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

// hub is a GitHub with a public and a private repository: bot and alice push, guest reads.
type hub struct {
	t      *testing.T
	clock  *clock.Fast
	server *github.Server
	url    string
	bot    *gh.Client
	guest  *gh.Client
}

var ctx = context.Background()

func newHub(t *testing.T, app *github.App) *hub {
	t.Helper()
	c := clock.NewFast(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), 1)
	s := github.New(github.Config{Clock: c, Tokens: map[string]string{"bot-token": "bot", "guest-token": "guest"}, App: app})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(s.Close)
	s.SetBaseURL(web.URL)
	h := &hub{t: t, clock: c, server: s, url: web.URL, bot: client(t, web.URL, "bot-token"), guest: client(t, web.URL, "guest-token")}
	h.ok(s.AddRepo(github.Repo{Name: "acme/incidents", Push: []string{"bot", "alice"}}))
	h.ok(s.AddRepo(github.Repo{Name: "acme/secret", Private: true, Push: []string{"bot"}}))
	h.ok(s.AddRepo(github.Repo{Name: "acme/old", NoIssues: true, Push: []string{"bot"}}))
	h.ok(s.AddRepo(github.Repo{Name: "acme/plain", NoSubIssues: true, Push: []string{"bot"}}))
	return h
}

// client speaks to the server as go-github does to github.com.
func client(t *testing.T, url, token string) *gh.Client {
	t.Helper()
	c := gh.NewClient(nil).WithAuthToken(token)
	base, err := c.BaseURL.Parse(url + "/")
	if err != nil {
		t.Fatal(err)
	}
	c.BaseURL = base
	return c
}

func (h *hub) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) issue(title string, labels ...string) *gh.Issue {
	h.t.Helper()
	i, _, err := h.bot.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: &title, Labels: &labels})
	h.ok(err)
	return i
}

func (h *hub) raw(token, method, path, body string) (int, string, http.Header) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	h.ok(err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	h.ok(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	h.ok(err)
	return resp.StatusCode, string(b), resp.Header
}

func (h *hub) eventually(what string, is func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			h.t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestAPostMortemIsFiledAndReadBack(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	me, _, err := h.bot.Users.Get(ctx, "")
	h.ok(err)
	r, _, err := h.bot.Repositories.Get(ctx, "acme", "incidents")
	h.ok(err)
	if me.GetLogin() != "bot" || r.GetVisibility() != "public" || !r.GetPermissions()["push"] || !r.GetHasIssues() {
		t.Fatalf("%v %v", me, r)
	}
	_, _, err = h.bot.Issues.CreateLabel(ctx, "acme", "incidents", &gh.Label{Name: gh.String("post-mortem"), Color: gh.String("b60205")})
	h.ok(err)
	m, _, err := h.bot.Issues.CreateMilestone(ctx, "acme", "incidents", &gh.Milestone{Title: gh.String("March")})
	h.ok(err)
	i, _, err := h.bot.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("INC-0042"), Body: gh.String("<!-- tocsin:INC-0042/17/2 -->"),
		Labels: &[]string{"post-mortem", "brand-new"}, Assignees: &[]string{"alice"}, Milestone: m.Number})
	h.ok(err)
	if len(i.Labels) != 2 || i.Assignees[0].GetLogin() != "alice" || i.GetMilestone().GetTitle() != "March" || i.GetNumber() != 1 || i.GetID() < 1000 {
		t.Fatalf("%v", i)
	}
	found, _, err := h.bot.Issues.ListByRepo(ctx, "acme", "incidents", &gh.IssueListByRepoOptions{Labels: []string{"post-mortem"}, State: "all"})
	h.ok(err)
	if len(found) != 1 {
		t.Fatalf("%v", found)
	}
	_, _, err = h.bot.Issues.Edit(ctx, "acme", "incidents", 1, &gh.IssueRequest{Body: gh.String("better"), State: gh.String("closed")})
	h.ok(err)
	com, _, err := h.bot.Issues.CreateComment(ctx, "acme", "incidents", 1, &gh.IssueComment{Body: gh.String("continued")})
	h.ok(err)
	_, _, err = h.bot.Issues.EditComment(ctx, "acme", "incidents", com.GetID(), &gh.IssueComment{Body: gh.String("continued, better")})
	h.ok(err)
	coms, _, err := h.bot.Issues.ListComments(ctx, "acme", "incidents", 1, nil)
	h.ok(err)
	if len(coms) != 1 || coms[0].GetBody() != "continued, better" {
		t.Fatalf("%v", coms)
	}
	_, _, err = h.bot.Issues.AddLabelsToIssue(ctx, "acme", "incidents", 1, []string{"bug"})
	h.ok(err)
	_, err = h.bot.Issues.RemoveLabelForIssue(ctx, "acme", "incidents", 1, "brand-new")
	h.ok(err)
	yes, _, err := h.bot.Issues.IsAssignee(ctx, "acme", "incidents", "alice")
	h.ok(err)
	no, _, err := h.bot.Issues.IsAssignee(ctx, "acme", "incidents", "guest")
	h.ok(err)
	v := h.server.Issues("acme/incidents")[0]
	if !yes || no || v.State != "closed" || v.Body != "better" || len(v.Labels) != 2 || len(v.Comments) != 1 {
		t.Fatalf("%v %v %+v", yes, no, v)
	}
	b, err := json.Marshal(v)
	h.ok(err)
	if !strings.Contains(string(b), `"sub_issues":[]`) {
		t.Fatal(string(b))
	}
}

func TestWithoutPushAccessLabelsAreDroppedSilently(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	i, _, err := h.guest.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("t"), Labels: &[]string{"bug"}, Assignees: &[]string{"alice"}, Milestone: gh.Int(99)})
	h.ok(err)
	if len(i.Labels) != 0 || len(i.Assignees) != 0 || i.Milestone != nil {
		t.Fatalf("%v", i)
	}
	_, resp, err := h.guest.Issues.CreateLabel(ctx, "acme", "incidents", &gh.Label{Name: gh.String("mine")})
	if err == nil || resp.StatusCode != 404 {
		t.Fatalf("%v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	h.issue("first")
	long := strings.Repeat("é", 65537)
	for _, c := range []struct {
		name, token, method, path, body string
		status                          int
		says                            string
	}{
		{"bad token", "wrong", "GET", "/user", "", 401, "Bad credentials"},
		{"no token", "", "POST", "/repos/acme/incidents/issues", `{"title":"t"}`, 401, "Requires authentication"},
		{"invisible", "guest-token", "GET", "/repos/acme/secret", "", 404, "Not Found"},
		{"invisible issues", "guest-token", "POST", "/repos/acme/secret/issues", `{"title":"t"}`, 404, "Not Found"},
		{"issues off", "bot-token", "POST", "/repos/acme/old/issues", `{"title":"t"}`, 410, "disabled"},
		{"long body", "bot-token", "POST", "/repos/acme/incidents/issues", `{"title":"t","body":"` + long + `"}`, 422, "body is too long (maximum is 65536 characters)"},
		{"long comment", "bot-token", "POST", "/repos/acme/incidents/issues/1/comments", `{"body":"` + long + `"}`, 422, "maximum is 65536"},
		{"long title", "bot-token", "POST", "/repos/acme/incidents/issues", `{"title":"` + long[:600] + `"}`, 422, "maximum is 256"},
		{"no title", "bot-token", "POST", "/repos/acme/incidents/issues", `{}`, 422, "wasn't supplied"},
		{"unknown assignee", "bot-token", "POST", "/repos/acme/incidents/issues", `{"title":"t","assignees":["nobody"]}`, 422, "assignees"},
		{"unknown milestone", "bot-token", "POST", "/repos/acme/incidents/issues", `{"title":"t","milestone":9}`, 422, "milestone"},
		{"label twice", "bot-token", "POST", "/repos/acme/incidents/labels", `{"name":"bug"}`, 422, "already_exists"},
		{"not json", "bot-token", "POST", "/repos/acme/incidents/issues", `{`, 400, "Problems parsing JSON"},
		{"another's issue", "guest-token", "PATCH", "/repos/acme/incidents/issues/1", `{"state":"closed"}`, 403, "admin rights"},
		{"no such issue", "bot-token", "GET", "/repos/acme/incidents/issues/99", "", 404, "Not Found"},
		{"no sub-issues here", "bot-token", "GET", "/repos/acme/plain/issues/1/sub_issues", "", 404, "Not Found"},
		{"empty search", "bot-token", "GET", "/search/issues?q=", "", 422, "missing"},
	} {
		status, body, _ := h.raw(c.token, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %.300s", c.name, status, body)
		}
	}
	fits := strings.Repeat("é", 65536)
	_, _, err := h.bot.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("t"), Body: &fits})
	h.ok(err)
	for _, r := range h.server.Requests() {
		if strings.Contains(fmt.Sprint(r), "token") {
			t.Fatal("a token was kept")
		}
	}
}

func TestPagesAndEnterprisePath(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	for n := range 5 {
		h.issue(fmt.Sprint("issue ", n))
	}
	ent, err := gh.NewClient(nil).WithAuthToken("bot-token").WithEnterpriseURLs(h.url, h.url)
	h.ok(err)
	var got []int
	opts := &gh.IssueListByRepoOptions{ListOptions: gh.ListOptions{PerPage: 2}}
	for {
		list, resp, err := ent.Issues.ListByRepo(ctx, "acme", "incidents", opts)
		h.ok(err)
		for _, i := range list {
			got = append(got, i.GetNumber())
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	if !slices.Equal(got, []int{5, 4, 3, 2, 1}) {
		t.Fatal(got)
	}
	_, _, head := h.raw("bot-token", "GET", "/api/v3/user", "")
	if head.Get("X-RateLimit-Limit") != "5000" || head.Get("X-RateLimit-Remaining") == "" {
		t.Fatal(head)
	}
}

func TestSubIssues(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	parent, a, b := h.issue("post-mortem"), h.issue("rotate keys"), h.issue("add alert")
	path := "/repos/acme/incidents/issues/1"
	do := func(method, path, body string, want int) string {
		t.Helper()
		status, answer, _ := h.raw("bot-token", method, path, body)
		if status != want {
			t.Fatalf("%s %s %s: %d %s", method, path, body, status, answer)
		}
		return answer
	}
	do("POST", path+"/sub_issues", `{"sub_issue_id":2}`, 404) // a number is not an id
	do("POST", path+"/sub_issues", fmt.Sprintf(`{"sub_issue_id":%d}`, a.GetID()), 201)
	do("POST", path+"/sub_issues", fmt.Sprintf(`{"sub_issue_id":%d}`, b.GetID()), 201)
	do("POST", path+"/sub_issues", fmt.Sprintf(`{"sub_issue_id":%d}`, b.GetID()), 422)
	do("POST", "/repos/acme/incidents/issues/2/sub_issues", fmt.Sprintf(`{"sub_issue_id":%d}`, parent.GetID()), 422)
	do("POST", "/repos/acme/incidents/issues/2/sub_issues", fmt.Sprintf(`{"sub_issue_id":%d}`, b.GetID()), 422)
	do("PATCH", path+"/sub_issues/priority", fmt.Sprintf(`{"sub_issue_id":%d,"before_id":%d}`, b.GetID(), a.GetID()), 200)
	req, err := h.bot.NewRequest("GET", "repos/acme/incidents/issues/1/sub_issues", nil)
	h.ok(err)
	var list []*gh.Issue
	_, err = h.bot.Do(ctx, req, &list)
	h.ok(err)
	if len(list) != 2 || list[0].GetNumber() != 3 {
		t.Fatalf("%v", list)
	}
	h.ok(h.server.CloseIssue("alice", "acme/incidents", 2))
	if s := do("GET", path, "", 200); !strings.Contains(s, `"percent_completed":50`) {
		t.Fatal(s)
	}
	do("DELETE", path+"/sub_issue", fmt.Sprintf(`{"sub_issue_id":%d}`, a.GetID()), 200)
	do("DELETE", path+"/sub_issue", fmt.Sprintf(`{"sub_issue_id":%d}`, a.GetID()), 404)
}

func TestSearchLagsBehind(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	_, _, err := h.bot.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("t"), Body: gh.String("<!-- tocsin:INC-0042/17/2 -->")})
	h.ok(err)
	find := func(q string) int {
		r, _, err := h.bot.Search.Issues(ctx, q, nil)
		h.ok(err)
		return r.GetTotal()
	}
	q := `repo:acme/incidents is:issue state:open "INC-0042/17/2"`
	if n := find(q); n != 0 {
		t.Fatalf("%d found at once", n)
	}
	h.clock.Advance(31 * time.Second)
	if n := find(q); n != 1 {
		t.Fatalf("%d found later", n)
	}
	h.ok(h.server.CloseIssue("alice", "acme/incidents", 1))
	if find(q) != 1 {
		t.Fatal("search saw the closing at once")
	}
	h.clock.Advance(31 * time.Second)
	if find(q) != 0 {
		t.Fatal("search never saw the closing")
	}
}

func TestTooMuchCreatingIsASecondaryLimit(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	for n := range 80 {
		h.issue(fmt.Sprint(n))
	}
	_, _, err := h.bot.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("one too many")})
	var limit *gh.AbuseRateLimitError
	if !errors.As(err, &limit) || limit.RetryAfter == nil || *limit.RetryAfter > time.Minute {
		t.Fatalf("%v", err)
	}
	if n := len(h.server.Issues("acme/incidents")); n != 80 {
		t.Fatal(n)
	}
	h.clock.Advance(time.Minute)
	if status, body, _ := h.raw("bot-token", "POST", "/repos/acme/incidents/issues", `{"title":"later"}`); status != 201 {
		t.Fatal(status, body)
	}
}

func TestABranchAFileAPullRequest(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	ref, _, err := h.bot.Git.GetRef(ctx, "acme", "incidents", "refs/heads/main")
	h.ok(err)
	_, _, err = h.bot.Git.CreateRef(ctx, "acme", "incidents", &gh.Reference{Ref: gh.String("refs/heads/plan/p1"), Object: ref.Object})
	h.ok(err)
	if _, resp, err := h.bot.PullRequests.Create(ctx, "acme", "incidents", &gh.NewPullRequest{Title: gh.String("t"), Head: gh.String("plan/p1"), Base: gh.String("main")}); err == nil || resp.StatusCode != 422 {
		t.Fatalf("no commits yet: %v", err)
	}
	_, _, err = h.bot.Repositories.CreateFile(ctx, "acme", "incidents", "plans/p1.yaml", &gh.RepositoryContentFileOptions{
		Message: gh.String("a plan"), Content: []byte("a: 1\n"), Branch: gh.String("plan/p1")})
	h.ok(err)
	file, _, _, err := h.bot.Repositories.GetContents(ctx, "acme", "incidents", "plans/p1.yaml", &gh.RepositoryContentGetOptions{Ref: "plan/p1"})
	h.ok(err)
	if text, err := file.GetContent(); err != nil || text != "a: 1\n" {
		t.Fatal(text, err)
	}
	if _, resp, err := h.bot.Repositories.CreateFile(ctx, "acme", "incidents", "plans/p1.yaml", &gh.RepositoryContentFileOptions{
		Message: gh.String("m"), Content: []byte("b"), Branch: gh.String("plan/p1"), SHA: gh.String("stale")}); err == nil || resp.StatusCode != 409 {
		t.Fatalf("stale sha: %v", err)
	}
	pr, _, err := h.bot.PullRequests.Create(ctx, "acme", "incidents", &gh.NewPullRequest{Title: gh.String("t"), Head: gh.String("plan/p1"), Base: gh.String("main")})
	h.ok(err)
	if pr.GetHead().GetRef() != "plan/p1" || pr.GetNumber() != 1 {
		t.Fatalf("%v", pr)
	}
	if _, resp, err := h.bot.PullRequests.Create(ctx, "acme", "incidents", &gh.NewPullRequest{Title: gh.String("t"), Head: gh.String("plan/p1"), Base: gh.String("main")}); err == nil || resp.StatusCode != 422 {
		t.Fatalf("twice: %v", err)
	}
}

func TestAnAppSignsInAndItsTokenEndsAfterAnHour(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	h := newHub(t, &github.App{ID: 7, Slug: "tocsin", PublicKey: &key.PublicKey, Now: time.Now,
		Installations: []github.Installation{{ID: 70, Account: "acme", Repos: []string{"acme/secret"}, Permissions: map[string]string{"issues": "write", "metadata": "read"}}}})
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	tr, err := ghinstallation.New(http.DefaultTransport, 7, 70, private)
	h.ok(err)
	tr.BaseURL = h.url
	c := gh.NewClient(&http.Client{Transport: tr})
	c.BaseURL, err = c.BaseURL.Parse(h.url + "/")
	h.ok(err)
	i, _, err := c.Issues.Create(ctx, "acme", "secret", &gh.IssueRequest{Title: gh.String("by the app"), Labels: &[]string{"bug"}})
	h.ok(err)
	if i.GetUser().GetLogin() != "tocsin[bot]" || len(i.Labels) != 1 {
		t.Fatalf("%v", i)
	}
	if _, resp, err := c.Repositories.CreateFile(ctx, "acme", "secret", "x", &gh.RepositoryContentFileOptions{Message: gh.String("m"), Content: []byte("x")}); err == nil || resp.StatusCode != 403 {
		t.Fatalf("contents without the permission: %v", err)
	}
	if _, resp, err := c.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("not installed here")}); err == nil || resp.StatusCode != 403 {
		t.Fatalf("%v", err)
	}
	token, err := tr.Token(ctx)
	h.ok(err)
	held := client(t, h.url, token)
	_, _, err = held.Issues.Get(ctx, "acme", "secret", 1)
	h.ok(err)
	h.clock.Advance(time.Hour + time.Second)
	if _, resp, err := held.Issues.Get(ctx, "acme", "secret", 1); err == nil || resp.StatusCode != 401 {
		t.Fatalf("after an hour: %v", err)
	}

	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	h.ok(err)
	forged := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(stranger)})
	tr, err = ghinstallation.New(http.DefaultTransport, 7, 70, forged)
	h.ok(err)
	tr.BaseURL = h.url
	if _, err := tr.Token(ctx); err == nil {
		t.Fatal("another key signed in")
	}
	apps, err := ghinstallation.NewAppsTransport(http.DefaultTransport, 7, private)
	h.ok(err)
	asApp := gh.NewClient(&http.Client{Transport: apps})
	asApp.BaseURL = c.BaseURL
	in, _, err := asApp.Apps.FindRepositoryInstallation(ctx, "acme", "secret")
	h.ok(err)
	me, _, err := asApp.Apps.Get(ctx, "")
	h.ok(err)
	if in.GetID() != 70 || me.GetSlug() != "tocsin" {
		t.Fatalf("%v %v", in, me)
	}
}

func TestWebhooksAreSignedSentOnceAndRedeliveredByHand(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	var mu sync.Mutex
	var heard []string
	var bad int
	status := http.StatusOK
	ear := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := gh.ValidatePayload(r, []byte("whsec"))
		mu.Lock()
		defer mu.Unlock()
		event, parseErr := any(nil), error(nil)
		if gh.WebHookType(r) != "sub_issues" { // unknown to this version of the library
			event, parseErr = gh.ParseWebHook(gh.WebHookType(r), body)
		}
		if err != nil || parseErr != nil || gh.DeliveryID(r) == "" {
			bad++
		}
		name := gh.WebHookType(r)
		if e, ok := event.(*gh.IssuesEvent); ok {
			name += "." + e.GetAction()
		}
		if bytes.Contains(body, []byte("bot-token")) {
			bad++
		}
		heard = append(heard, name)
		w.WriteHeader(status)
	}))
	t.Cleanup(ear.Close)
	got := func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(heard) }
	id, err := h.server.AddHook("acme/incidents", ear.URL, "whsec")
	h.ok(err)
	i, sub := h.issue("one"), h.issue("two")
	h.ok(h.server.Comment("alice", "acme/incidents", i.GetNumber(), "hm"))
	h.ok(h.server.EditBody("alice", "acme/incidents", 1, "new"))
	h.ok(h.server.Assign("alice", "acme/incidents", 1, "bot"))
	h.raw("bot-token", "POST", "/repos/acme/incidents/issues/1/sub_issues", fmt.Sprintf(`{"sub_issue_id":%d}`, sub.GetID()))
	h.ok(h.server.CloseIssue("alice", "acme/incidents", 1))
	h.ok(h.server.Reopen("alice", "acme/incidents", 1))
	want := []string{"ping", "issues.opened", "issues.opened", "issue_comment", "issues.edited", "issues.assigned", "sub_issues", "sub_issues", "issues.closed", "issues.reopened"}
	h.eventually("all heard", func() bool { return len(got()) == len(want) })
	if !slices.Equal(got(), want) || bad > 0 {
		t.Fatalf("%d bad, %v", bad, got())
	}
	mu.Lock()
	status = http.StatusBadGateway
	mu.Unlock()
	h.ok(h.server.CloseIssue("alice", "acme/incidents", 1))
	h.eventually("failed", func() bool { return len(h.server.Deliveries(id)) == len(want)+1 })
	h.clock.Advance(time.Hour)
	time.Sleep(10 * time.Millisecond)
	if len(got()) != len(want)+1 {
		t.Fatal("tried again by itself")
	}
	list := h.server.Deliveries(id)
	last := list[len(list)-1]
	h.ok(h.server.Redeliver(id, last.ID))
	h.eventually("redelivered", func() bool { return len(h.server.Deliveries(id)) == len(want)+2 })
	if again := h.server.Deliveries(id)[len(want)+1]; again.GUID != last.GUID || !again.Redelivery || last.Status != 502 {
		t.Fatalf("%+v %+v", last, again)
	}
}

func TestOrderedFaultsSpeakGitHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, nil)
	changes, stop := h.server.Subscribe()
	defer stop()
	h.server.Faults().Add(fault.Rule{Vendor: "github", Method: "POST /repos/{owner}/{repo}/issues", Kind: fault.Ambiguous, Times: 1})
	if _, _, err := h.bot.Issues.Create(ctx, "acme", "incidents", &gh.IssueRequest{Title: gh.String("t")}); err == nil {
		t.Fatal("an answer came back")
	}
	if len(h.server.Issues("acme/incidents")) != 1 {
		t.Fatal("the work was not done")
	}
	select {
	case <-changes:
	default:
		t.Fatal("nothing told")
	}
	h.server.Faults().Add(fault.Rule{Vendor: "github", Method: "*", Kind: fault.Down, Times: 1})
	_, _, err := h.bot.Repositories.Get(ctx, "acme", "incidents")
	var e *gh.ErrorResponse
	if !errors.As(err, &e) || e.Response.StatusCode != 503 || e.Message == "" {
		t.Fatalf("%v", err)
	}
	if len(github.Methods()) < 40 {
		t.Fatal("the table of methods is not whole")
	}
}
