package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How far somebody may go in a repository.
const (
	canNothing = iota
	canRead
	canPush
	canAdmin
)

// Repo is a repository to add.
type Repo struct {
	// Name is the full name: "acme/incidents".
	Name     string
	Private  bool
	Internal bool // visible to every user of the enterprise, not to the public
	Archived bool
	// NoIssues switches issues off: 410 Gone.
	NoIssues bool
	// NoSubIssues makes the sub-issue endpoints answer 404, as older servers do.
	NoSubIssues bool
	// DefaultBranch is main when empty.
	DefaultBranch string
	// Push, Read and Admin are logins. Everybody reads what is public.
	Push, Read, Admin []string
}

type user struct {
	id    int64
	login string
}

type repo struct {
	id                    int64
	owner, name           string
	private, internal     bool
	archived              bool
	noIssues, noSubIssues bool
	defaultBranch         string
	rights                map[string]int // by login
	created               time.Time
	nextNumber, nextMile  int
	issues                []*issue
	labels                []*label
	milestones            []*milestone
	branches              map[string]*commit
	commits               map[string]*commit
	keys                  []*deployKey
}

type label struct {
	id                       int64
	name, color, description string
}

type milestone struct {
	id                        int64
	number                    int
	title, description, state string
	due                       time.Time
	created                   time.Time
	by                        string
}

func (r *repo) full() string { return r.owner + "/" + r.name }

func (r *repo) visibility() string {
	if r.internal {
		return "internal"
	}
	if r.private {
		return "private"
	}
	return "public"
}

func find[T any](all []*T, is func(*T) bool) *T {
	for _, one := range all {
		if is(one) {
			return one
		}
	}
	return nil
}

func (s *Server) repoNamed(full string) *repo {
	return find(s.repos, func(r *repo) bool { return strings.EqualFold(r.full(), full) })
}

func (s *Server) userNamed(login string) *user {
	return find(s.users, func(u *user) bool { return strings.EqualFold(u.login, login) })
}

func (s *Server) addUser(login string) *user {
	if u := s.userNamed(login); u != nil {
		return u
	}
	u := &user{id: s.id(), login: login}
	s.users = append(s.users, u)
	return u
}

// AddUser adds a person who may push to the repositories named ("acme/incidents").
func (s *Server) AddUser(login string, push ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addUser(login)
	for _, full := range push {
		r := s.repoNamed(full)
		if r == nil {
			return fmt.Errorf("add user %s: repository %s not found", login, full)
		}
		r.rights[strings.ToLower(login)] = canPush
	}
	s.changed()
	return nil
}

// AddRepo adds a repository with one commit, a README and GitHub's usual labels.
func (s *Server) AddRepo(in Repo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, name, ok := strings.Cut(in.Name, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") || s.repoNamed(in.Name) != nil {
		return fmt.Errorf("add repository %q: the name must be owner/name and new", in.Name)
	}
	if in.DefaultBranch == "" {
		in.DefaultBranch = "main"
	}
	r := &repo{id: s.id(), owner: owner, name: name, private: in.Private || in.Internal, internal: in.Internal, archived: in.Archived,
		noIssues: in.NoIssues, noSubIssues: in.NoSubIssues, defaultBranch: in.DefaultBranch, rights: map[string]int{},
		created: s.clock.Now(), branches: map[string]*commit{}, commits: map[string]*commit{}}
	for level, logins := range [][]string{canRead: in.Read, canPush: in.Push, canAdmin: in.Admin} {
		for _, l := range logins {
			s.addUser(l)
			r.rights[strings.ToLower(l)] = level
		}
	}
	s.addUser(owner)
	if _, set := r.rights[strings.ToLower(owner)]; !set {
		r.rights[strings.ToLower(owner)] = canAdmin
	}
	for _, l := range [][2]string{{"bug", "d73a4a"}, {"documentation", "0075ca"}, {"enhancement", "a2eeef"}} {
		r.labels = append(r.labels, &label{id: s.id(), name: l[0], color: l[1]})
	}
	first := r.commit(nil, map[string]string{"README.md": "# " + name + "\n"}, "Initial commit", owner, s.clock.Now())
	r.branches[r.defaultBranch] = first
	s.repos = append(s.repos, r)
	s.changed()
	return nil
}

// access is how far the caller may go.
func (s *Server) access(c *call, r *repo) int {
	level := canNothing
	if !r.private {
		level = canRead
	}
	if c.app {
		return level
	}
	if c.install != nil {
		if c.install.covers(r.full()) {
			return canPush
		}
		return level
	}
	if r.internal && c.login != "" {
		level = canRead
	}
	return max(level, r.rights[strings.ToLower(c.login)])
}

func (s *Server) renderUser(login string) obj {
	kind, id := "User", int64(0)
	if u := s.userNamed(login); u != nil {
		id = u.id
	}
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	url := s.base + "/users/" + login
	o := obj{"login": login, "id": id, "node_id": fmt.Sprintf("U_%d", id), "type": kind, "site_admin": false,
		"url": url, "html_url": s.conf.WebURL + "/" + login, "avatar_url": "", "gravatar_id": "",
		"following_url": url + "/following{/other_user}", "gists_url": url + "/gists{/gist_id}",
		"starred_url": url + "/starred{/owner}{/repo}", "organizations_url": url + "/orgs", "events_url": url + "/events{/privacy}"}
	for _, list := range []string{"followers", "subscriptions", "repos", "received_events"} {
		o[list+"_url"] = url + "/" + list
	}
	return o
}

// links are the addresses GitHub gives with every repository, by name and by what
// follows the address of the repository.
var links = map[string]string{
	"archive": "/{archive_format}{/ref}", "assignees": "/assignees{/user}", "blobs": "/git/blobs{/sha}", "branches": "/branches{/branch}",
	"collaborators": "/collaborators{/collaborator}", "comments": "/comments{/number}", "commits": "/commits{/sha}",
	"compare": "/compare/{base}...{head}", "contents": "/contents/{+path}", "contributors": "/contributors", "deployments": "/deployments",
	"downloads": "/downloads", "events": "/events", "forks": "/forks", "git_commits": "/git/commits{/sha}", "git_refs": "/git/refs{/sha}",
	"git_tags": "/git/tags{/sha}", "hooks": "/hooks", "issue_comment": "/issues/comments{/number}", "issue_events": "/issues/events{/number}",
	"issues": "/issues{/number}", "keys": "/keys{/key_id}", "labels": "/labels{/name}", "languages": "/languages", "merges": "/merges",
	"milestones": "/milestones{/number}", "notifications": "/notifications{?since,all,participating}", "pulls": "/pulls{/number}",
	"releases": "/releases{/id}", "stargazers": "/stargazers", "statuses": "/statuses/{sha}", "subscribers": "/subscribers",
	"subscription": "/subscription", "tags": "/tags", "teams": "/teams", "trees": "/git/trees{/sha}",
}

func (s *Server) renderRepo(c *call, r *repo) obj {
	url := s.base + c.prefix + "/repos/" + r.full()
	level := s.access(c, r)
	open := 0
	for _, i := range r.issues {
		if i.state == stateOpen {
			open++
		}
	}
	o := obj{"id": r.id, "node_id": fmt.Sprintf("R_%d", r.id), "name": r.name, "full_name": r.full(), "owner": s.renderUser(r.owner),
		"private": r.private, "visibility": r.visibility(), "archived": r.archived, "disabled": false, "fork": false,
		"has_issues": !r.noIssues, "has_wiki": false, "has_projects": false, "has_discussions": false, "default_branch": r.defaultBranch,
		"open_issues_count": open, "open_issues": open, "url": url, "html_url": s.conf.WebURL + "/" + r.full(), "description": nil,
		"created_at": stamp(r.created), "updated_at": stamp(r.created), "pushed_at": stamp(r.created),
		"homepage": nil, "language": nil, "license": nil, "mirror_url": nil, "has_pages": false, "has_downloads": false, "size": 0}
	for _, count := range []string{"forks", "forks_count", "watchers", "watchers_count", "stargazers_count", "subscribers_count", "network_count"} {
		o[count] = 0
	}
	for name, path := range links {
		o[name+"_url"] = url + path
	}
	web := s.conf.WebURL + "/" + r.full()
	_, host, _ := strings.Cut(s.conf.WebURL, "://")
	o["clone_url"], o["svn_url"] = web+".git", web
	o["git_url"], o["ssh_url"] = "git://"+host+"/"+r.full()+".git", "git@"+host+":"+r.full()+".git"
	if c.login != "" {
		o["permissions"] = obj{"admin": level >= canAdmin, "maintain": level >= canAdmin, "push": level >= canPush,
			"triage": level >= canPush, "pull": level >= canRead}
	}
	return o
}

func (s *Server) getRepo(c *call) (int, any, *refusal) {
	return http.StatusOK, s.renderRepo(c, c.repo), nil
}

func (s *Server) getMe(c *call) (int, any, *refusal) {
	if c.install != nil || c.app {
		return 0, nil, forbidden("Resource not accessible by integration")
	}
	if c.login == "" {
		return 0, nil, &refusal{status: http.StatusUnauthorized, message: "Requires authentication"}
	}
	return http.StatusOK, s.renderUser(c.login), nil
}

func (s *Server) getUser(c *call) (int, any, *refusal) {
	u := s.userNamed(c.PathValue("login"))
	if u == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.renderUser(u.login), nil
}

// assignable are those who may be assigned: everybody with a right of their own.
func (s *Server) assignable(r *repo) []string {
	var out []string
	for _, u := range s.users {
		if r.rights[strings.ToLower(u.login)] >= canRead {
			out = append(out, u.login)
		}
	}
	return out
}

func (s *Server) canAssign(r *repo, login string) bool {
	return slices.ContainsFunc(s.assignable(r), func(l string) bool { return strings.EqualFold(l, login) })
}

func (s *Server) listAssignees(c *call) (int, any, *refusal) {
	return page(s, c, s.assignable(c.repo), s.renderUser)
}

func (s *Server) checkAssignee(c *call) (int, any, *refusal) {
	if !s.canAssign(c.repo, c.PathValue("login")) {
		return 0, nil, notFound()
	}
	return http.StatusNoContent, nil, nil
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}
