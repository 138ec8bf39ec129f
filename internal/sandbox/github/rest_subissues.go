package github

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

func labelList(c *call) ([]string, *refusal) {
	raw, err := io.ReadAll(c.Body)
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, message: "Problems parsing JSON"}
	}
	var wrapped struct {
		Labels json.RawMessage `json:"labels"`
	}
	if json.Unmarshal(raw, &wrapped) == nil && wrapped.Labels != nil {
		raw = wrapped.Labels
	}
	if !json.Valid(raw) {
		return nil, &refusal{status: http.StatusBadRequest, message: "Problems parsing JSON"}
	}
	return labelNames(raw)
}

// parentOf finds the issue of the path, unless the repository's server has no sub-issues.
func (s *Server) parentOf(c *call) (*issue, *refusal) {
	if c.repo.noSubIssues {
		return nil, notFound()
	}
	i, no := s.theIssue(c)
	if no != nil {
		return nil, no
	}
	if i.pull != nil {
		return nil, notFound()
	}
	if c.Method != http.MethodGet && s.access(c, c.repo) < canPush {
		return nil, forbidden("Must have admin rights to Repository.")
	}
	return i, nil
}

// byID finds an issue of any repository by its id, which is not its number.
func (s *Server) byID(id int64) *issue {
	for _, r := range s.repos {
		if i := find(r.issues, func(i *issue) bool { return i.id == id && i.pull == nil }); i != nil {
			return i
		}
	}
	return nil
}

func (s *Server) listSubIssues(c *call) (int, any, *refusal) {
	i, no := s.parentOf(c)
	if no != nil {
		return 0, nil, no
	}
	return page(s, c, i.subs, func(sub *issue) obj { return s.renderIssue(sub, c.prefix) })
}

func (s *Server) getParent(c *call) (int, any, *refusal) {
	i, no := s.parentOf(c)
	if no != nil {
		return 0, nil, no
	}
	if i.parent == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.renderIssue(i.parent, c.prefix), nil
}

func (s *Server) addSubIssue(c *call) (int, any, *refusal) {
	i, no := s.parentOf(c)
	if no != nil {
		return 0, nil, no
	}
	var q struct {
		SubIssueID    *int64 `json:"sub_issue_id"`
		ReplaceParent bool   `json:"replace_parent"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.SubIssueID == nil {
		return 0, nil, notSupplied("sub_issue_id")
	}
	sub := s.byID(*q.SubIssueID)
	if sub == nil || s.access(c, sub.repo) < canRead {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "The provided sub-issue does not exist"}
	}
	refuse := func(message string) (int, any, *refusal) {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: message}
	}
	switch {
	case sub.repo.owner != i.repo.owner:
		return refuse("Sub issue must belong to a repository of the same owner")
	case sub.parent == i:
		return refuse("An error occurred while adding the sub-issue to the parent issue. Issue may not contain duplicate sub-issues")
	case sub.parent != nil && !q.ReplaceParent:
		return refuse("An error occurred while adding the sub-issue to the parent issue. Sub issue may only have one parent")
	case i.under(sub):
		return refuse("An error occurred while adding the sub-issue to the parent issue. Sub issue may not create a circular dependency")
	case len(i.subs) >= maxSubs:
		return refuse("Parent issue cannot have more than 100 sub-issues")
	case i.depth()+sub.height() > maxDepth:
		return refuse("Parent issue cannot have more than 8 layers of sub-issues")
	}
	if sub.parent != nil {
		s.detach(sub, c.login)
	}
	sub.parent = i
	i.subs = append(i.subs, sub)
	s.event(i, "sub_issue_added", c.login, sub.title)
	s.event(sub, "parent_issue_added", c.login, i.title)
	s.touch(i)
	s.saySub(i, sub, "added", c.login)
	return http.StatusCreated, s.renderIssue(i, c.prefix), nil
}

// under reports whether i is a or hangs below it.
func (i *issue) under(a *issue) bool {
	for at := i; at != nil; at = at.parent {
		if at == a {
			return true
		}
	}
	return false
}

func (i *issue) depth() int {
	n := 0
	for at := i; at != nil; at = at.parent {
		n++
	}
	return n
}

func (i *issue) height() int {
	tallest := 0
	for _, sub := range i.subs {
		tallest = max(tallest, sub.height())
	}
	return tallest + 1
}

func (s *Server) detach(sub *issue, by string) {
	parent := sub.parent
	parent.subs = slices.DeleteFunc(parent.subs, func(x *issue) bool { return x == sub })
	sub.parent = nil
	s.event(parent, "sub_issue_removed", by, sub.title)
	s.event(sub, "parent_issue_removed", by, parent.title)
	s.touch(parent)
	s.saySub(parent, sub, "removed", by)
}

// saySub sends the two events GitHub sends, one for each side.
func (s *Server) saySub(parent, sub *issue, what, by string) {
	payload := func() obj {
		return obj{"parent_issue_id": parent.id, "parent_issue": s.renderIssue(parent, ""), "parent_issue_repo": s.renderRepo(&call{}, parent.repo),
			"sub_issue_id": sub.id, "sub_issue": s.renderIssue(sub, ""), "sub_issue_repo": s.renderRepo(&call{}, sub.repo)}
	}
	s.say(parent.repo, "sub_issues", "sub_issue_"+what, by, payload())
	s.say(sub.repo, "sub_issues", "parent_issue_"+what, by, payload())
}

func (s *Server) removeSubIssue(c *call) (int, any, *refusal) {
	i, no := s.parentOf(c)
	if no != nil {
		return 0, nil, no
	}
	var q struct {
		SubIssueID *int64 `json:"sub_issue_id"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.SubIssueID == nil {
		return 0, nil, notSupplied("sub_issue_id")
	}
	sub := s.byID(*q.SubIssueID)
	if sub == nil || sub.parent != i {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "The provided sub-issue is not a child of the parent issue"}
	}
	s.detach(sub, c.login)
	return http.StatusOK, s.renderIssue(sub, c.prefix), nil
}

// moveSubIssue puts a sub-issue after or before another of the same parent.
func (s *Server) moveSubIssue(c *call) (int, any, *refusal) {
	i, no := s.parentOf(c)
	if no != nil {
		return 0, nil, no
	}
	var q struct {
		SubIssueID *int64 `json:"sub_issue_id"`
		AfterID    *int64 `json:"after_id"`
		BeforeID   *int64 `json:"before_id"`
	}
	if no := decode(c, &q); no != nil {
		return 0, nil, no
	}
	if q.SubIssueID == nil {
		return 0, nil, notSupplied("sub_issue_id")
	}
	if (q.AfterID == nil) == (q.BeforeID == nil) {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "Exactly one of after_id and before_id must be given"}
	}
	at := func(id int64) int { return slices.IndexFunc(i.subs, func(x *issue) bool { return x.id == id }) }
	from := at(*q.SubIssueID)
	if from < 0 {
		return 0, nil, &refusal{status: http.StatusNotFound, message: "The provided sub-issue is not a child of the parent issue"}
	}
	sub := i.subs[from]
	var anchor int64
	if q.AfterID != nil {
		anchor = *q.AfterID
	} else {
		anchor = *q.BeforeID
	}
	if at(anchor) < 0 || anchor == sub.id {
		return 0, nil, &refusal{status: http.StatusUnprocessableEntity, message: "The issue to place it by is not another sub-issue of the parent"}
	}
	i.subs = slices.Delete(i.subs, from, from+1)
	to := at(anchor)
	if q.AfterID != nil {
		to++
	}
	i.subs = slices.Insert(i.subs, to, sub)
	s.touch(i)
	return http.StatusOK, s.renderIssue(sub, c.prefix), nil
}
