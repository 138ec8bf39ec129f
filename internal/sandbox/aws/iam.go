package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// IAM is IAM of one account: users with keys and inline policies, roles, and
// instance profiles.
type IAM struct {
	Users    map[string]*Identity
	Roles    map[string]*Identity
	Profiles map[string]string // the role in each instance profile
	Foreign  map[string]string // keys of other accounts, and whose
}

// Identity is a user or a role. Policies are its inline policies.
type Identity struct {
	Path     string
	Keys     []Key
	Policies map[string]string
	Tags     map[string]string
}

// The statuses of a key.
const (
	Active   = "Active"
	Inactive = "Inactive"
)

// Key is a long-term access key, last used at an RFC 3339 time, "" for never.
type Key struct {
	ID, Status, LastUsed string
}

var noSuch = &refusal{http.StatusNotFound, "NoSuchEntity"}

func iamOut(action string, inner ...string) string {
	return el(action+"Response", el(action+"Result", inner...), el("ResponseMetadata", leaf("RequestId", "r-1")))
}

func arnOf(kind, path, name string) string {
	return "arn:aws:iam::" + Account + ":" + kind + path + name
}

func (w *IAM) serve(q *asked) (string, *refusal) {
	name := q.form.Get("UserName")
	switch q.action {
	case "GetUser", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey", "GetUserPolicy", "PutUserPolicy", "DeleteUserPolicy":
		id := w.Users[name]
		if id == nil {
			return "", noSuch
		}
		return w.ofIdentity(q, "User", name, id)
	case "GetRole", "GetRolePolicy", "PutRolePolicy", "DeleteRolePolicy":
		name = q.form.Get("RoleName")
		id := w.Roles[name]
		if id == nil {
			return "", noSuch
		}
		if strings.HasPrefix(id.Path, "/aws-") && !strings.HasPrefix(q.action, "Get") {
			return "", &refusal{http.StatusBadRequest, "UnmodifiableEntity"}
		}
		return w.ofIdentity(q, "Role", name, id)
	case "ListUsers":
		return iamOut(q.action, el("Users", listed("User", w.Users)...), leaf("IsTruncated", "false")), nil
	case "ListRoles":
		return iamOut(q.action, el("Roles", listed("Role", w.Roles)...), leaf("IsTruncated", "false")), nil
	case "GetAccessKeyLastUsed":
		return w.lastUsed(q)
	case "GetInstanceProfile":
		profile := q.form.Get("InstanceProfileName")
		role, ok := w.Profiles[profile]
		if !ok {
			return "", noSuch
		}
		return iamOut(q.action, el("InstanceProfile", leaf("InstanceProfileName", profile), leaf("Arn", arnOf("instance-profile", "/", profile)), leaf("InstanceProfileId", "AIPA1"), leaf("Path", "/"),
			leaf("CreateDate", "2026-01-01T00:00:00Z"), el("Roles", el("member", shown("Role", role, w.Roles[role])...)))), nil
	case "SimulatePrincipalPolicy":
		return w.simulate(q)
	}
	return "", &refusal{http.StatusBadRequest, "InvalidAction"}
}

func listed(kind string, all map[string]*Identity) []string {
	names := make([]string, 0, len(all))
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	var out []string
	for _, n := range names {
		out = append(out, el("member", shown(kind, n, all[n])...))
	}
	return out
}

func shown(kind, name string, id *Identity) []string {
	var tags []string
	for k, v := range id.Tags {
		tags = append(tags, el("member", leaf("Key", k), leaf("Value", v)))
	}
	return []string{leaf(kind+"Name", name), leaf(kind+"Id", "AIDA1"), leaf("Path", id.Path),
		leaf("Arn", arnOf(strings.ToLower(kind), id.Path, name)), leaf("CreateDate", "2026-01-01T00:00:00Z"), el("Tags", tags...)}
}

func (w *IAM) ofIdentity(q *asked, kind, name string, id *Identity) (string, *refusal) {
	policy, document := q.form.Get("PolicyName"), q.form.Get("PolicyDocument")
	most := map[string]int{"User": 2048, "Role": 10240}[kind] // https://docs.aws.Server.com/IAM/latest/UserGuide/reference_iam-quotas.html
	switch strings.Replace(q.action, kind, "", 1) {
	case "Get":
		return iamOut(q.action, el(kind, shown(kind, name, id)...)), nil
	case "GetPolicy":
		text, ok := id.Policies[policy]
		if !ok {
			return "", noSuch
		}
		return iamOut(q.action, leaf(kind+"Name", name), leaf("PolicyName", policy), leaf("PolicyDocument", url.PathEscape(text))), nil
	case "PutPolicy":
		if !json.Valid([]byte(document)) {
			return "", &refusal{http.StatusBadRequest, "MalformedPolicyDocument"}
		}
		total := len(document)
		for n, text := range id.Policies {
			if n != policy {
				total += len(text)
			}
		}
		if total > most {
			return "", &refusal{http.StatusConflict, "LimitExceeded"}
		}
		id.Policies[policy] = document
		return iamOut(q.action), nil
	case "DeletePolicy":
		if _, ok := id.Policies[policy]; !ok {
			return "", noSuch
		}
		delete(id.Policies, policy)
		return iamOut(q.action), nil
	}
	return id.keys(q, name)
}

func (id *Identity) keys(q *asked, name string) (string, *refusal) {
	at := slices.IndexFunc(id.Keys, func(k Key) bool { return k.ID == q.form.Get("AccessKeyId") })
	switch {
	case q.action == "ListAccessKeys": // one on each page, so that pages are turned
		from := 0
		if m := q.form.Get("Marker"); m != "" {
			if _, err := fmt.Sscanf(m, "page-%d", &from); err != nil || from >= len(id.Keys) {
				return "", &refusal{http.StatusBadRequest, "ValidationError"}
			}
		}
		var out []string
		if from < len(id.Keys) {
			k := id.Keys[from]
			out = append(out, el("member", leaf("UserName", name), leaf("AccessKeyId", k.ID), leaf("Status", k.Status), leaf("CreateDate", "2026-01-02T03:04:05Z")))
		}
		more := []string{leaf("IsTruncated", "false")}
		if from+1 < len(id.Keys) {
			more = []string{leaf("IsTruncated", "true"), leaf("Marker", fmt.Sprintf("page-%d", from+1))}
		}
		return iamOut(q.action, append([]string{el("AccessKeyMetadata", out...)}, more...)...), nil
	case at < 0:
		return "", noSuch
	case q.action == "UpdateAccessKey":
		if s := q.form.Get("Status"); s != Active && s != Inactive {
			return "", &refusal{http.StatusBadRequest, "ValidationError"}
		}
		id.Keys[at].Status = q.form.Get("Status")
		return iamOut(q.action), nil
	}
	id.Keys = slices.Delete(id.Keys, at, at+1) // DeleteAccessKey
	return iamOut(q.action), nil
}

func (w *IAM) lastUsed(q *asked) (string, *refusal) {
	id := q.form.Get("AccessKeyId")
	if w.Foreign[id] != "" {
		return "", &refusal{http.StatusForbidden, "AccessDenied"}
	}
	for name, u := range w.Users {
		for _, k := range u.Keys {
			if k.ID != id {
				continue
			}
			used := []string{leaf("ServiceName", "N/A"), leaf("Region", "N/A")}
			if k.LastUsed != "" {
				used = []string{leaf("LastUsedDate", k.LastUsed), leaf("ServiceName", "s3"), leaf("Region", "eu-west-1")}
			}
			return iamOut(q.action, leaf("UserName", name), el("AccessKeyLastUsed", used...)), nil
		}
	}
	return "", noSuch
}

// simulate judges inline policies as IAM does, as far as they are written here: Action
// and Resource "*", Allow and Deny, and DateLessThan on aws:TokenIssueTime.
func (w *IAM) simulate(q *asked) (string, *refusal) {
	var id *Identity
	for name, u := range w.Users {
		if arnOf("user", u.Path, name) == q.form.Get("PolicySourceArn") {
			id = u
		}
	}
	for name, r := range w.Roles {
		if arnOf("role", r.Path, name) == q.form.Get("PolicySourceArn") {
			id = r
		}
	}
	if id == nil {
		return "", noSuch
	}
	context := map[string]string{}
	for i := 1; q.form.Get(fmt.Sprintf("ContextEntries.member.%d.ContextKeyName", i)) != ""; i++ {
		at := fmt.Sprintf("ContextEntries.member.%d.", i)
		name, kind := q.form.Get(at+"ContextKeyName"), q.form.Get(at+"ContextKeyType")
		if (kind == "date") != (name == "aws:TokenIssueTime") {
			return "", &refusal{http.StatusBadRequest, "InvalidInput"}
		}
		context[name] = q.form.Get(at + "ContextKeyValues.member.1")
	}
	var out []string
	for _, action := range q.members("ActionNames.member") {
		out = append(out, el("member", leaf("EvalActionName", action), leaf("EvalResourceName", "*"), leaf("EvalDecision", id.decide(action, context))))
	}
	return iamOut(q.action, el("EvaluationResults", out...), leaf("IsTruncated", "false")), nil
}

// decide judges a call on the resource "*".
func (id *Identity) decide(action string, context map[string]string) string {
	decision := "implicitDeny"
	for _, text := range id.Policies {
		var p struct {
			Statement []struct {
				Effect    string
				Action    any
				Resource  string
				Condition map[string]map[string]any
			}
		}
		if json.Unmarshal([]byte(text), &p) != nil {
			continue
		}
		for _, s := range p.Statement {
			if s.Resource != "*" || !covers(s.Action, action) || !holds(s.Condition, context) {
				continue
			}
			if s.Effect == "Deny" {
				return "explicitDeny"
			}
			decision = "allowed"
		}
	}
	return decision
}

// holds reports whether every condition does. One on a key that is not there does not.
func holds(conditions map[string]map[string]any, context map[string]string) bool {
	for operator, keys := range conditions {
		for name, want := range keys {
			got, there := context[name]
			switch operator {
			case "Null":
				if (want == "true") == there {
					return false
				}
			case "DateLessThan":
				at, err := time.Parse(time.RFC3339, fmt.Sprint(want))
				issued, bad := time.Parse(time.RFC3339, got)
				if err != nil || bad != nil || !issued.Before(at) {
					return false
				}
			case "StringEquals":
				if !there || !covers(want, got) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

func covers(pattern any, action string) bool {
	if list, ok := pattern.([]any); ok {
		return slices.ContainsFunc(list, func(p any) bool { return covers(p, action) })
	}
	return pattern == "*" || pattern == action
}

// What whoever assumes a role signs with.
const (
	temporaryKey     = "ASIATEMPORARYTEMPORA"
	temporarySecret  = "temporary-secret-of-nobody"
	temporarySession = "temporary-session-of-nobody"

	// ExternalID is what every role's trust asks for.
	ExternalID = "between us"
)

func (s *Server) sts(q *asked) (string, *refusal) {
	switch q.action {
	case "GetCallerIdentity":
		arn := s.world.Caller
		if strings.Contains(q.Header.Get("Authorization"), temporaryKey) {
			arn = s.assumed
		}
		return iamOut(q.action, leaf("Arn", arn), leaf("UserId", "AIDA1"), leaf("Account", Account)), nil
	case "GetAccessKeyInfo":
		if owner := s.world.IAM.Foreign[q.form.Get("AccessKeyId")]; owner != "" {
			return iamOut(q.action, leaf("Account", owner)), nil
		}
		return iamOut(q.action, leaf("Account", Account)), nil
	case "AssumeRole":
		if q.form.Get("ExternalId") != ExternalID || q.form.Get("RoleSessionName") == "" {
			return "", &refusal{http.StatusForbidden, "AccessDenied"}
		}
		name := q.form.Get("RoleArn")[strings.LastIndex(q.form.Get("RoleArn"), "/")+1:]
		s.keys[temporaryKey] = credentials{temporaryKey, temporarySecret, temporarySession}
		s.assumed = "arn:aws:sts::" + Account + ":assumed-role/" + name + "/" + q.form.Get("RoleSessionName")
		return iamOut(q.action, el("Credentials", leaf("AccessKeyId", temporaryKey), leaf("SecretAccessKey", temporarySecret),
			leaf("SessionToken", temporarySession), leaf("Expiration", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))), nil
	}
	return "", &refusal{http.StatusBadRequest, "InvalidAction"}
}
