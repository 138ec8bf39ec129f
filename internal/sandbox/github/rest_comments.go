package github

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type bodyRequest struct {
	Body *string `json:"body"`
}

// commentText reads a comment's body and holds it to the limit.
func commentText(c *call) (string, *refusal) {
	var q bodyRequest
	if no := decode(c, &q); no != nil {
		return "", no
	}
	if q.Body == nil {
		return "", notSupplied("body")
	}
	if strings.TrimSpace(*q.Body) == "" {
		return "", unprocessable("IssueComment", "data", "unprocessable", "Body cannot be blank")
	}
	if utf8.RuneCountInString(*q.Body) > maxIssueBody {
		return "", unprocessable("IssueComment", "data", "unprocessable", "Body is too long (maximum is 65536 characters)")
	}
	return *q.Body, nil
}

func (s *Server) createComment(c *call) (int, any, *refusal) {
	i, no := s.theIssue(c)
	if no != nil {
		return 0, nil, no
	}
	text, no := commentText(c)
	if no != nil {
		return 0, nil, no
	}
	return http.StatusCreated, s.renderComment(i, s.comment(i, c.login, text), c.prefix), nil
}

func (s *Server) listComments(c *call) (int, any, *refusal) {
	i, no := s.theIssue(c)
	if no != nil {
		return 0, nil, no
	}
	var since time.Time
	if v := c.URL.Query().Get("since"); v != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return 0, nil, unprocessable("IssueComment", "since", "invalid", "")
		}
	}
	var out []*comment
	for _, one := range i.comments {
		if !one.updated.Before(since) {
			out = append(out, one)
		}
	}
	return page(s, c, out, func(one *comment) obj { return s.renderComment(i, one, c.prefix) })
}

// theComment finds a comment by its id anywhere in the repository.
func (s *Server) theComment(c *call) (*issue, *comment, *refusal) {
	for _, i := range c.repo.issues {
		for _, one := range i.comments {
			if one.id == c.number("id") {
				return i, one, nil
			}
		}
	}
	return nil, nil, notFound()
}

// mayChange: the author, or whoever may push.
func (s *Server) mayChange(c *call, one *comment) *refusal {
	if one.by != c.login && s.access(c, c.repo) < canPush {
		return forbidden("Must have admin rights to Repository.")
	}
	return nil
}

func (s *Server) getComment(c *call) (int, any, *refusal) {
	i, one, no := s.theComment(c)
	if no != nil {
		return 0, nil, no
	}
	return http.StatusOK, s.renderComment(i, one, c.prefix), nil
}

func (s *Server) editComment(c *call) (int, any, *refusal) {
	i, one, no := s.theComment(c)
	if no != nil {
		return 0, nil, no
	}
	if no := s.mayChange(c, one); no != nil {
		return 0, nil, no
	}
	text, no := commentText(c)
	if no != nil {
		return 0, nil, no
	}
	from := one.body
	one.body, one.updated = text, s.clock.Now()
	s.touch(i)
	s.say(c.repo, "issue_comment", "edited", c.login, obj{"issue": s.renderIssue(i, ""), "comment": s.renderComment(i, one, ""),
		"changes": obj{"body": obj{"from": from}}})
	return http.StatusOK, s.renderComment(i, one, c.prefix), nil
}

func (s *Server) deleteComment(c *call) (int, any, *refusal) {
	i, one, no := s.theComment(c)
	if no != nil {
		return 0, nil, no
	}
	if no := s.mayChange(c, one); no != nil {
		return 0, nil, no
	}
	i.comments = slices.DeleteFunc(i.comments, func(x *comment) bool { return x == one })
	s.touch(i)
	s.say(c.repo, "issue_comment", "deleted", c.login, obj{"issue": s.renderIssue(i, ""), "comment": s.renderComment(i, one, "")})
	return http.StatusNoContent, nil, nil
}
