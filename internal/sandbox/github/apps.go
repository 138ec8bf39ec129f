package github

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	installTokenLife = time.Hour
	maxJWTLife       = 10 * time.Minute
	jwtDrift         = 60 * time.Second
)

// App is a GitHub App and where it is installed.
type App struct {
	ID            int64
	ClientID      string
	Slug, Name    string
	PublicKey     *rsa.PublicKey
	Installations []Installation
	// Now judges the JWT's times. Libraries stamp them by the machine's clock, so a
	// sandbox whose clock is sped up wants time.Now here. The Clock's when nil.
	Now func() time.Time
}

// Installation is an App installed on an account.
type Installation struct {
	ID      int64
	Account string
	// Repos are full names ("acme/incidents"); none means all of the account.
	Repos []string
	// Permissions like {"issues": "write", "contents": "read"}. None means write to
	// issues, contents, pull_requests and metadata.
	Permissions map[string]string
}

// installToken is what POST access_tokens hands out.
type installToken struct {
	of      *Installation
	until   time.Time
	repos   []string // narrowed to these; none: all of the installation
	permits map[string]string
}

func (t *installToken) covers(full string) bool {
	if len(t.repos) > 0 && !slices.Contains(t.repos, full) {
		return false
	}
	return t.of.covers(full)
}

func (i *Installation) covers(full string) bool {
	if len(i.Repos) > 0 {
		return slices.Contains(i.Repos, full)
	}
	return strings.HasPrefix(full, i.Account+"/")
}

func (i *Installation) permissions() map[string]string {
	if i.Permissions != nil {
		return i.Permissions
	}
	return map[string]string{"issues": "write", "contents": "write", "pull_requests": "write", "metadata": "read"}
}

func badCredentials() *refusal {
	return &refusal{status: http.StatusUnauthorized, message: "Bad credentials"}
}

// admit finds out who calls.
func (s *Server) admit(r *http.Request) (*call, *refusal) {
	c := &call{Request: r, header: http.Header{}}
	auth := r.Header.Get("Authorization")
	if s.closed {
		return nil, badCredentials()
	}
	if auth == "" {
		return c, nil
	}
	scheme, token, _ := strings.Cut(auth, " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return nil, badCredentials()
	}
	if login, ok := s.conf.Tokens[token]; ok && token != "" {
		c.login = login
		return c, nil
	}
	if t := s.installs[token]; t != nil && s.clock.Now().Before(t.until) {
		c.install, c.login = t, s.conf.App.Slug+"[bot]"
		return c, nil
	}
	if s.conf.App != nil && strings.Count(token, ".") == 2 {
		if no := s.conf.App.verify(token, s.clock.Now); no != nil {
			return nil, no
		}
		c.app = true
		return c, nil
	}
	return nil, badCredentials()
}

// verify checks an App's JWT: RS256, by the App's key, issued by it, for ten minutes at most.
func (a *App) verify(token string, now func() time.Time) *refusal {
	if a.Now != nil {
		now = a.Now
	}
	bad := func(m string) *refusal { return &refusal{status: http.StatusUnauthorized, message: m} }
	undecodable := bad("A JSON web token could not be decoded")
	parts := strings.Split(token, ".")
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Iss any     `json:"iss"`
		Iat float64 `json:"iat"`
		Exp float64 `json:"exp"`
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decodePart(parts[0], &header) || header.Alg != "RS256" || a.PublicKey == nil {
		return undecodable
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(a.PublicKey, crypto.SHA256, sum[:], sig) != nil || !decodePart(parts[1], &claims) {
		return undecodable
	}
	iss := fmt.Sprint(claims.Iss)
	if f, ok := claims.Iss.(float64); ok {
		iss = strconv.FormatInt(int64(f), 10)
	}
	at := now()
	iat, exp := time.Unix(int64(claims.Iat), 0), time.Unix(int64(claims.Exp), 0)
	switch {
	case iss != strconv.FormatInt(a.ID, 10) && (a.ClientID == "" || iss != a.ClientID):
		return bad("Integration not found")
	case !exp.After(at):
		return bad("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case exp.After(at.Add(maxJWTLife + jwtDrift)):
		return bad("'Expiration time' claim ('exp') is too far in the future")
	case iat.After(at.Add(jwtDrift)):
		return bad("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return nil
}

func decodePart(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, into) == nil
}

func needApp(c *call) *refusal {
	if !c.app {
		return &refusal{status: http.StatusUnauthorized, message: "A JSON web token could not be decoded"}
	}
	return nil
}

func (s *Server) getApp(c *call) (int, any, *refusal) {
	if no := needApp(c); no != nil {
		return 0, nil, no
	}
	a := s.conf.App
	return http.StatusOK, obj{"id": a.ID, "client_id": a.ClientID, "slug": a.Slug, "name": a.Name, "owner": obj{"login": "sandbox"},
		"html_url": s.conf.WebURL + "/apps/" + a.Slug, "events": []string{"issues", "issue_comment"}, "installations_count": len(a.Installations)}, nil
}

func (s *Server) renderInstallation(c *call, i *Installation) obj {
	selection := "all"
	if len(i.Repos) > 0 {
		selection = "selected"
	}
	return obj{"id": i.ID, "app_id": s.conf.App.ID, "app_slug": s.conf.App.Slug, "account": obj{"login": i.Account, "type": "Organization"},
		"repository_selection": selection, "permissions": i.permissions(), "target_type": "Organization",
		"access_tokens_url": fmt.Sprintf("%s%s/app/installations/%d/access_tokens", s.base, c.prefix, i.ID)}
}

func (s *Server) listInstallations(c *call) (int, any, *refusal) {
	if no := needApp(c); no != nil {
		return 0, nil, no
	}
	return page(s, c, s.conf.App.Installations, func(i Installation) obj { return s.renderInstallation(c, &i) })
}

func (s *Server) getInstallation(c *call) (int, any, *refusal) {
	if no := needApp(c); no != nil {
		return 0, nil, no
	}
	for i := range s.conf.App.Installations {
		in := &s.conf.App.Installations[i]
		if c.repo != nil && in.covers(c.repo.full()) || c.repo == nil && in.ID == c.number("id") {
			return http.StatusOK, s.renderInstallation(c, in), nil
		}
	}
	return 0, nil, notFound()
}

func (s *Server) createInstallToken(c *call) (int, any, *refusal) {
	if no := needApp(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	i := slices.IndexFunc(s.conf.App.Installations, func(i Installation) bool { return i.ID == c.number("id") })
	if i < 0 {
		return 0, nil, notFound()
	}
	in := &s.conf.App.Installations[i]
	t := &installToken{of: in, until: s.clock.Now().Add(installTokenLife), permits: in.permissions()}
	for _, name := range body.Repositories {
		t.repos = append(t.repos, in.Account+"/"+name)
	}
	for _, id := range body.RepositoryIDs {
		if r := find(s.repos, func(r *repo) bool { return r.id == id }); r != nil {
			t.repos = append(t.repos, r.full())
		}
	}
	for _, full := range t.repos {
		if s.repoNamed(full) == nil || !in.covers(full) {
			return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "There is at least one repository that does not exist or is not accessible to the parent installation."}
		}
	}
	for name, level := range body.Permissions {
		if have := in.permissions()[name]; have != level && have != "write" {
			return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "The permissions requested are not granted to this installation."}
		}
	}
	if body.Permissions != nil {
		t.permits = body.Permissions
	}
	secret := fmt.Sprintf("ghs_%x", sha256.Sum256([]byte(fmt.Sprint(s.id(), t.until))))[:40]
	s.installs[secret] = t
	return http.StatusCreated, obj{"token": secret, "expires_at": stamp(t.until), "permissions": t.permits, "repository_selection": "selected"}, nil
}

// permitted checks an installation token's permission for what the path is about.
func (c *call) permitted() *refusal {
	if c.install == nil {
		return nil
	}
	_, path := split(c.Request)
	parts := strings.Split(path, "/")
	about := "metadata"
	if len(parts) > 4 {
		switch parts[4] {
		case "issues", "labels", "milestones", "assignees":
			about = "issues"
		case "pulls":
			about = "pull_requests"
		case "contents", "git", "branches":
			about = "contents"
		case "keys":
			about = "administration"
		case "hooks":
			about = "repository_hooks"
		}
	}
	have := c.install.permits[about]
	if have == "write" || about == "metadata" && c.Method == http.MethodGet || have == "read" && c.Method == http.MethodGet {
		return nil
	}
	return forbidden("Resource not accessible by integration")
}
