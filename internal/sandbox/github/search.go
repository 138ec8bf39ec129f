package github

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const maxQuery = 256 // characters of q, operators and qualifiers apart

// seen is what search knows of an issue: the newest state older than the delay.
func (i *issue) seen(now time.Time, delay time.Duration) (snapshot, bool) {
	for _, p := range slices.Backward(i.past) {
		if now.Sub(p.at) >= delay {
			return p, true
		}
	}
	return snapshot{}, false
}

// searchIssues is eventually consistent: what was written in the last SearchDelay is
// not found, and what was changed is found as it was.
func (s *Server) searchIssues(c *call) (int, any, *refusal) {
	q := c.URL.Query().Get("q")
	if strings.TrimSpace(q) == "" {
		return 0, nil, unprocessable("Search", "q", "missing", "")
	}
	if utf8.RuneCountInString(q) > 4*maxQuery {
		return 0, nil, unprocessable("Search", "q", "invalid", "The search is longer than 256 characters.")
	}
	terms := words(q)
	for _, t := range terms {
		if full, ok := strings.CutPrefix(t, "repo:"); ok {
			if r := s.repoNamed(full); r == nil || s.access(c, r) < canRead {
				return 0, nil, unprocessable("Search", "q", "invalid", "The listed users and repositories cannot be searched either because the resources do not exist or you do not have permission to view them.")
			}
		}
	}
	var out []*issue
	for _, r := range s.repos {
		if s.access(c, r) < canRead || c.login == "" && r.private {
			continue
		}
		for _, i := range slices.Backward(r.issues) {
			if p, ok := i.seen(s.clock.Now(), s.conf.SearchDelay); ok && !slices.ContainsFunc(terms, func(t string) bool { return !i.matches(p, t) }) {
				out = append(out, i)
			}
		}
	}
	items := []obj{}
	for _, i := range cut(s, c, out) {
		o := s.renderIssue(i, c.prefix)
		o["score"] = 1.0
		items = append(items, o)
	}
	return http.StatusOK, obj{"total_count": len(out), "incomplete_results": false, "items": items}, nil
}

// words splits a query at spaces, keeping what is quoted together.
func words(q string) []string {
	var out []string
	var word strings.Builder
	quoted := false
	for _, r := range q {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word.Len() > 0 {
				out = append(out, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	if word.Len() > 0 {
		out = append(out, word.String())
	}
	return out
}

// matches one term of a query. A leading minus turns it around.
func (i *issue) matches(p snapshot, term string) bool {
	if rest, ok := strings.CutPrefix(term, "-"); ok && strings.Contains(rest, ":") {
		return !i.matches(p, rest)
	}
	name, value, qualified := strings.Cut(term, ":")
	if !qualified {
		return strings.Contains(p.text, strings.ToLower(term))
	}
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return strings.EqualFold(v, value) })
	}
	switch name {
	case "repo":
		return strings.EqualFold(value, i.repo.full())
	case "org", "user":
		return strings.EqualFold(value, i.repo.owner)
	case "is", "type", "state":
		switch value {
		case stateOpen, stateClosed:
			return p.state == value
		case "issue":
			return i.pull == nil
		case "pr":
			return i.pull != nil
		case "public", "private":
			return i.repo.visibility() == value
		}
		return false
	case "label":
		return has(p.labels)
	case "author":
		return strings.EqualFold(value, i.by)
	case "assignee":
		return has(p.assignees)
	case "in":
		return true
	}
	return strings.Contains(p.text, strings.ToLower(term))
}
