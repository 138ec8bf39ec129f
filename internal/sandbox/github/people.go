package github

import (
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"
)

var _ http.Handler = (*Server)(nil)

// act does one thing as a person on the website.
func (s *Server) act(login, repoName string, n int, do func(*issue) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoNamed(repoName)
	if r == nil || s.userNamed(login) == nil {
		return fmt.Errorf("%s in %s: no such user or repository", login, repoName)
	}
	i := r.issue(int64(n))
	if i == nil || s.access(&call{login: login}, r) < canRead {
		return fmt.Errorf("%s#%d: not found", repoName, n)
	}
	return do(i)
}

// mayEdit: the author, or whoever may push.
func (s *Server) mayEdit(login string, i *issue) error {
	if i.by != login && s.access(&call{login: login}, i.repo) < canPush {
		return fmt.Errorf("%s may not change %s#%d", login, i.repo.full(), i.number)
	}
	return nil
}

// Open files an issue as a person and returns its number. Labels need push access.
func (s *Server) Open(login, repoName, title, body string, labels ...string) (number int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoNamed(repoName)
	if r == nil || s.userNamed(login) == nil || r.noIssues || s.access(&call{login: login}, r) < canRead {
		return 0, fmt.Errorf("open an issue in %s as %s: no such user or repository, or issues are off", repoName, login)
	}
	if no := checkText("Issue", &title, &body); no != nil {
		return 0, fmt.Errorf("open an issue in %s: %w", repoName, no)
	}
	i := &issue{title: title, body: body, by: login}
	if s.access(&call{login: login}, r) >= canPush {
		found, no := s.wantLabels(r, labels)
		if no != nil {
			return 0, fmt.Errorf("open an issue in %s: %w", repoName, no)
		}
		i.labels = found
	}
	s.open(r, i)
	return i.number, nil
}

// CloseIssue closes an issue as completed. (Close ends the server.)
func (s *Server) CloseIssue(login, repoName string, n int) error {
	return s.act(login, repoName, n, func(i *issue) error {
		if err := s.mayEdit(login, i); err != nil {
			return err
		}
		if !s.close(i, login, "completed") {
			return fmt.Errorf("%s#%d: already closed", repoName, n)
		}
		return nil
	})
}

// Reopen opens a closed issue again.
func (s *Server) Reopen(login, repoName string, n int) error {
	return s.act(login, repoName, n, func(i *issue) error {
		if err := s.mayEdit(login, i); err != nil {
			return err
		}
		if !s.reopen(i, login) {
			return fmt.Errorf("%s#%d: not closed", repoName, n)
		}
		return nil
	})
}

// Comment adds a comment.
func (s *Server) Comment(login, repoName string, n int, text string) error {
	return s.act(login, repoName, n, func(i *issue) error {
		if text == "" || utf8.RuneCountInString(text) > maxIssueBody {
			return fmt.Errorf("%s#%d: a comment has 1 to %d characters", repoName, n, maxIssueBody)
		}
		s.comment(i, login, text)
		return nil
	})
}

// EditBody replaces an issue's body.
func (s *Server) EditBody(login, repoName string, n int, body string) error {
	return s.act(login, repoName, n, func(i *issue) error {
		if err := s.mayEdit(login, i); err != nil {
			return err
		}
		if no := checkText("Issue", nil, &body); no != nil {
			return fmt.Errorf("%s#%d: %w", repoName, n, no)
		}
		s.rewrite(i, login, nil, &body)
		return nil
	})
}

// Assign adds an assignee; both must be allowed to.
func (s *Server) Assign(login, repoName string, n int, to string) error {
	return s.act(login, repoName, n, func(i *issue) error {
		if s.access(&call{login: login}, i.repo) < canPush {
			return fmt.Errorf("%s may not assign in %s", login, repoName)
		}
		if !s.canAssign(i.repo, to) || len(i.assignees) >= maxAssignees {
			return fmt.Errorf("%s cannot be assigned in %s", to, repoName)
		}
		if !slices.Contains(i.assignees, to) {
			s.setAssignees(i, login, append(slices.Clone(i.assignees), to))
		}
		return nil
	})
}
