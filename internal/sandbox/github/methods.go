package github

import "slices"

// Method is an endpoint and the rules it enforces, for the documentation.
type Method struct {
	Name  string   `json:"name"` // verb and path, as Faults names it
	Rules []string `json:"rules"`
}

const (
	rulePages   = "page and per_page (at most 100) with Link headers"
	ruleMissing = "what the caller may not see is 404"
	ruleCreates = "counts towards 80 content-creating requests a minute and 500 an hour"
	ruleOwner   = "403 unless an owner"
	ruleAdmin   = "404 unless an administrator of the repository"
	rulePush    = "404 without push access"
)

// CommonRules hold for every endpoint.
func CommonRules() []string {
	return []string{
		"also under /api/v3/", "a bad token is 401 Bad credentials; writing without one is 401 Requires authentication",
		"a private repository is 404 to whoever may not read it; an archived one is read-only (403)",
		"5,000 requests an hour (60 without a token), x-ratelimit-* headers, then 403; 30 searches a minute",
		"secondary limits: 80 content-creating requests a minute, 500 an hour, 900 points a minute (a write costs 5), 100 at once; then 403 with Retry-After",
		"an installation token lives one hour, sees its repositories and needs the permission (403 Resource not accessible by integration)",
		"a request without User-Agent is 403; a body that is not JSON is 400, over 4 MiB 413",
	}
}

// Methods lists every endpoint.
func Methods() []Method {
	var out []Method
	for _, e := range table {
		rules := slices.Clone(e.rules)
		if e.creates {
			rules = append(rules, ruleCreates)
		}
		out = append(out, Method{e.name, rules})
	}
	return out
}

// WebhookRules hold for every delivery.
func WebhookRules() []string {
	return []string{
		"events ping, issues, issue_comment, sub_issues; signed: X-Hub-Signature-256 is sha256=<hex HMAC-SHA256>",
		"X-GitHub-Delivery is unique and repeated by a redelivery",
		"one attempt, ten seconds, never tried again by itself; Redeliver sends it once more",
	}
}

const repoPath = "/repos/{owner}/{repo}"

// table is searched from the top: literal paths stand above those with a name in their place.
var table = []endpoint{
	{"GET /user", false, []string{"403 to an App or its installation"}, (*Server).getMe},
	{"GET /users/{login}", false, []string{ruleMissing}, (*Server).getUser},
	{"GET /orgs/{org}/members", false, []string{"403 unless a member", "role", rulePages}, (*Server).listMembers},
	{"GET /orgs/{org}/memberships/{login}", false, []string{"403 unless a member", "404 for who is none"}, (*Server).getMembership},
	{"PUT /orgs/{org}/memberships/{login}", false, []string{ruleOwner, "role admin or member (422); who is no member is invited"}, (*Server).putMembership},
	{"DELETE /orgs/{org}/memberships/{login}", false, []string{ruleOwner, "404 for who is none; not the last owner (403)", "rights in the organisation's repositories go too"}, (*Server).deleteMembership},
	{"POST /orgs/{org}/invitations", true, []string{ruleOwner, "invitee_id of somebody who is neither in nor invited (422)", "role reinstate only for who was a member (422); nobody is in before they accept"}, (*Server).createInvitation},
	{"GET /app", false, []string{"needs the App's JWT: RS256, at most ten minutes, issued by the App"}, (*Server).getApp},
	{"GET /app/installations", false, []string{"needs the App's JWT", rulePages}, (*Server).listInstallations},
	{"GET /app/installations/{id}", false, []string{"needs the App's JWT"}, (*Server).getInstallation},
	{"POST /app/installations/{id}/access_tokens", false, []string{"needs the App's JWT", "repositories and permissions may only be narrowed (422)", "the token lives one hour"}, (*Server).createInstallToken},
	{"GET /search/issues", false, []string{"q required (422); repo:, org:, is:, state:, label:, author:, assignee:, -qualifier and words", "what changed in the last moments is not found yet", rulePages}, (*Server).searchIssues},
	{"GET " + repoPath, false, []string{ruleMissing, "permissions are the caller's"}, (*Server).getRepo},
	{"GET " + repoPath + "/installation", false, []string{"needs the App's JWT"}, (*Server).getInstallation},
	{"GET " + repoPath + "/assignees", false, []string{rulePages}, (*Server).listAssignees},
	{"GET " + repoPath + "/assignees/{login}", false, []string{"204 when assignable, else 404"}, (*Server).checkAssignee},
	{"GET " + repoPath + "/keys", false, []string{ruleAdmin, rulePages}, (*Server).listKeys},
	{"POST " + repoPath + "/keys", true, []string{ruleAdmin, "an OpenSSH public key that no repository has yet (422)"}, (*Server).createKey},
	{"DELETE " + repoPath + "/keys/{id}", false, []string{ruleAdmin}, (*Server).deleteKey},
	{"GET " + repoPath + "/labels", false, []string{rulePages}, (*Server).listRepoLabels},
	{"POST " + repoPath + "/labels", true, []string{rulePush, "name required, new, at most 50 characters; color six hex digits (422)"}, (*Server).createLabel},
	{"GET " + repoPath + "/labels/{name}", false, []string{ruleMissing}, (*Server).getLabel},
	{"GET " + repoPath + "/milestones", false, []string{rulePages, "state"}, (*Server).listMilestones},
	{"POST " + repoPath + "/milestones", true, []string{rulePush, "title required and new (422)"}, (*Server).createMilestone},
	{"GET " + repoPath + "/milestones/{n}", false, []string{ruleMissing}, (*Server).getMilestone},
	{"GET " + repoPath + "/issues", false, []string{rulePages, "state, labels (all of them), since, assignee, creator, milestone, sort, direction; pull requests are listed too", "410 where issues are off"}, (*Server).listIssues},
	{"POST " + repoPath + "/issues", true, []string{"title required, at most 256 characters; body at most 65,536 (422)", "labels, assignees and milestone are dropped without push access; with it unknown assignees and milestones are 422 and unknown labels are made", "410 where issues are off"}, (*Server).createIssue},
	{"GET " + repoPath + "/issues/comments/{id}", false, []string{ruleMissing}, (*Server).getComment},
	{"PATCH " + repoPath + "/issues/comments/{id}", true, []string{"403 unless author or push access", "body at most 65,536 characters (422)"}, (*Server).editComment},
	{"DELETE " + repoPath + "/issues/comments/{id}", false, []string{"403 unless author or push access"}, (*Server).deleteComment},
	{"GET " + repoPath + "/issues/{n}", false, []string{ruleMissing, "410 where issues are off"}, (*Server).getIssue},
	{"PATCH " + repoPath + "/issues/{n}", true, []string{"403 unless author or push access", "the limits of creation; state open or closed; state_reason checked", "labels, assignees and milestone are dropped without push access"}, (*Server).editIssue},
	{"GET " + repoPath + "/issues/{n}/comments", false, []string{rulePages, "since"}, (*Server).listComments},
	{"POST " + repoPath + "/issues/{n}/comments", true, []string{"body required, at most 65,536 characters (422)"}, (*Server).createComment},
	{"GET " + repoPath + "/issues/{n}/events", false, []string{rulePages}, (*Server).listEvents},
	{"GET " + repoPath + "/issues/{n}/labels", false, []string{rulePages}, (*Server).listIssueLabels},
	{"POST " + repoPath + "/issues/{n}/labels", true, []string{"403 without push access"}, (*Server).addIssueLabels},
	{"PUT " + repoPath + "/issues/{n}/labels", true, []string{"403 without push access"}, (*Server).replaceIssueLabels},
	{"DELETE " + repoPath + "/issues/{n}/labels/{name}", false, []string{"403 without push access", "404 when it does not carry the label"}, (*Server).removeIssueLabel},
	{"POST " + repoPath + "/issues/{n}/assignees", true, []string{"dropped without push access; who cannot be assigned is left out"}, (*Server).addAssignees},
	{"DELETE " + repoPath + "/issues/{n}/assignees", false, []string{"dropped without push access"}, (*Server).addAssignees},
	{"GET " + repoPath + "/issues/{n}/parent", false, []string{"404 without a parent, or where sub-issues are off"}, (*Server).getParent},
	{"GET " + repoPath + "/issues/{n}/sub_issues", false, []string{rulePages, "404 where sub-issues are off"}, (*Server).listSubIssues},
	{"POST " + repoPath + "/issues/{n}/sub_issues", true, []string{"sub_issue_id is the issue's id, not its number (404)", "one parent unless replace_parent, no duplicates, no circles, at most 100 and 8 levels, same owner (422)", "403 without push access; 404 where sub-issues are off"}, (*Server).addSubIssue},
	{"DELETE " + repoPath + "/issues/{n}/sub_issue", false, []string{"404 when it is not a child", "403 without push access; 404 where sub-issues are off"}, (*Server).removeSubIssue},
	{"PATCH " + repoPath + "/issues/{n}/sub_issues/priority", false, []string{"exactly one of after_id and before_id, a sibling (422)", "403 without push access; 404 where sub-issues are off"}, (*Server).moveSubIssue},
	{"GET " + repoPath + "/git/ref/{ref...}", false, []string{"branches only: heads/<name>"}, (*Server).getRef},
	{"POST " + repoPath + "/git/refs", true, []string{rulePush, "refs/heads/<name>, an existing commit, a new name (422)"}, (*Server).createRef},
	{"DELETE " + repoPath + "/git/refs/{ref...}", false, []string{rulePush, "not the default branch (422)"}, (*Server).deleteRef},
	{"GET " + repoPath + "/branches/{branch}", false, []string{ruleMissing}, (*Server).getBranch},
	{"GET " + repoPath + "/contents/{path...}", false, []string{"ref; a file or a directory; content up to 1 MiB"}, (*Server).getContents},
	{"GET " + repoPath + "/contents", false, []string{"the top directory"}, (*Server).getContents},
	{"PUT " + repoPath + "/contents/{path...}", true, []string{rulePush, "message and Base64 content required (422); sha required to change a file (422) and must be the present one (409)"}, (*Server).putContents},
	{"GET " + repoPath + "/pulls", false, []string{rulePages, "state, head, base"}, (*Server).listPulls},
	{"POST " + repoPath + "/pulls", true, []string{"title, head and base required; existing branches that differ; one open pull request for a pair (422)"}, (*Server).createPull},
	{"GET " + repoPath + "/pulls/{n}", false, []string{ruleMissing}, (*Server).getPull},
}
