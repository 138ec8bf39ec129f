package github

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DeployKey is a public key that opens one repository
// (https://docs.github.com/en/rest/deploy-keys/deploy-keys).
type DeployKey struct {
	ID       int64
	Title    string
	Key      string // "ssh-ed25519 AAAA…"
	ReadOnly bool
	AddedBy  string
}

type deployKey struct {
	DeployKey
	added time.Time
}

// AddDeployKey adds a key as one of the repository's administrators does on the website.
func (s *Server) AddDeployKey(repoName string, k DeployKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoNamed(repoName)
	if r == nil {
		return fmt.Errorf("add a deploy key: repository %s not found", repoName)
	}
	if why := s.unfit(k.Key); why != "" {
		return fmt.Errorf("add a deploy key to %s: %s", repoName, why)
	}
	k.ID = s.id()
	r.keys = append(r.keys, &deployKey{k, s.clock.Now()})
	s.changed()
	return nil
}

// DropDeployKey deletes a key by its public part, as an administrator does on the website.
func (s *Server) DropDeployKey(repoName, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.repoNamed(repoName); r != nil {
		r.keys = slices.DeleteFunc(r.keys, func(k *deployKey) bool { return k.Key == key })
	}
	s.changed()
}

// DeployKeys are a repository's keys, oldest first.
func (s *Server) DeployKeys(repoName string) []DeployKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []DeployKey
	if r := s.repoNamed(repoName); r != nil {
		for _, k := range r.keys {
			out = append(out, k.DeployKey)
		}
	}
	return out
}

// unfit says why GitHub takes no such key: each opens one repository at most.
func (s *Server) unfit(key string) string {
	parts := strings.Fields(key)
	if len(parts) < 2 {
		return "key is invalid. You must supply a key in OpenSSH public key format"
	}
	if _, err := base64.StdEncoding.DecodeString(parts[1]); err != nil {
		return "key is invalid. You must supply a key in OpenSSH public key format"
	}
	for _, r := range s.repos {
		if slices.ContainsFunc(r.keys, func(k *deployKey) bool { return strings.Fields(k.Key)[1] == parts[1] }) {
			return "key is already in use"
		}
	}
	return ""
}

func (s *Server) renderKey(c *call) func(*deployKey) obj {
	return func(k *deployKey) obj {
		return obj{"id": k.ID, "key": k.Key, "title": k.Title, "read_only": k.ReadOnly, "verified": true, "enabled": true, "last_used": nil,
			"added_by": k.AddedBy, "created_at": stamp(k.added), "url": fmt.Sprintf("%s%s/repos/%s/keys/%d", s.base, c.prefix, c.repo.full(), k.ID)}
	}
}

// administers hides keys from whoever does not administer the repository.
func (s *Server) administers(c *call) *refusal {
	if c.install == nil && s.access(c, c.repo) < canAdmin {
		return notFound()
	}
	return nil
}

func (s *Server) listKeys(c *call) (int, any, *refusal) {
	if no := s.administers(c); no != nil {
		return 0, nil, no
	}
	return page(s, c, c.repo.keys, s.renderKey(c))
}

func (s *Server) createKey(c *call) (int, any, *refusal) {
	var in struct {
		Title    string `json:"title"`
		Key      string `json:"key"`
		ReadOnly bool   `json:"read_only"`
	}
	if no := s.administers(c); no != nil {
		return 0, nil, no
	}
	if no := decode(c, &in); no != nil {
		return 0, nil, no
	}
	if why := s.unfit(in.Key); why != "" {
		return 0, nil, unprocessable("PublicKey", "key", "custom", why)
	}
	k := &deployKey{DeployKey{ID: s.id(), Title: in.Title, Key: in.Key, ReadOnly: in.ReadOnly, AddedBy: c.login}, s.clock.Now()}
	if s.keeps() {
		c.repo.keys = append(c.repo.keys, k)
	}
	return http.StatusCreated, s.renderKey(c)(k), nil
}

func (s *Server) deleteKey(c *call) (int, any, *refusal) {
	if no := s.administers(c); no != nil {
		return 0, nil, no
	}
	at := slices.IndexFunc(c.repo.keys, func(k *deployKey) bool { return k.ID == c.number("id") })
	if at < 0 {
		return 0, nil, notFound()
	}
	if s.keeps() {
		c.repo.keys = slices.Delete(c.repo.keys, at, at+1)
	}
	return http.StatusNoContent, nil, nil
}
