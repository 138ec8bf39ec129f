package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// shop answers for the one repository there is.
func (o *octo) shop(w http.ResponseWriter, r *http.Request, below string, in object) {
	unarchives := below == "" && in["archived"] == false
	if o.repo["archived"] == true && r.Method != http.MethodGet && !unarchives {
		refuseAsGitHub(w, http.StatusForbidden) // "Repository was archived so is read-only."
		return
	}
	kind, id, _ := strings.Cut(below, "/")
	switch r.Method + " " + kind {
	case "GET ":
		give(w, 200, o.repo)
	case "PATCH ":
		if v, ok := in["archived"].(bool); ok && o.repo["archived"] != v && o.Keeps() {
			o.repo["archived"] = v
		}
		give(w, 200, o.repo)
	case "GET branches":
		if id != "main" && id != "release%2F1" {
			refuseAsGitHub(w, http.StatusNotFound)
			return
		}
		give(w, 200, object{"name": id})
	case "GET actions", "PUT actions":
		o.permissions(w, r, id, in)
	case "GET rules":
		o.rules(w, strings.TrimPrefix(id, "branches/"))
	case "GET rulesets", "POST rulesets", "PUT rulesets", "DELETE rulesets":
		o.ruleset(w, r, id, in)
	case "GET secret-scanning":
		refuseAsGitHub(w, http.StatusNotFound) // switched off there
	default:
		refuseAsGitHub(w, http.StatusNotFound)
	}
}

func (o *octo) permissions(w http.ResponseWriter, r *http.Request, which string, in object) {
	switch {
	case which == "runs":
		give(w, 200, object{"total_count": 2, "workflow_runs": []any{object{"id": 1}}})
	case which == "permissions" && r.Method == http.MethodGet:
		give(w, 200, o.actions)
	case which == "permissions":
		if o.Keeps() {
			o.actions = in
		}
		give(w, 204, nil)
	case o.actions["allowed_actions"] != "selected":
		refuseAsGitHub(w, http.StatusConflict)
	case r.Method == http.MethodGet:
		give(w, 200, o.allowed)
	default:
		if fmt.Sprint(o.allowed) != fmt.Sprint(in) && o.Keeps() {
			o.allowed = in
		}
		give(w, 204, nil)
	}
}

// rules are those of all active rulesets that name the branch, with one of a kind the SDK
// does not know.
func (o *octo) rules(w http.ResponseWriter, branch string) {
	out := []any{object{"type": "a_rule_of_tomorrow", "ruleset_id": 1}}
	for _, rs := range o.rulesets {
		refs := rs["conditions"].(object)["ref_name"].(object)["include"].([]any)
		if rs["enforcement"] != "active" || !slices.Contains(refs, any("refs/heads/"+strings.ReplaceAll(branch, "%2F", "/"))) {
			continue
		}
		out = append(out, rs["rules"].([]any)...)
	}
	give(w, 200, out)
}

func (o *octo) ruleset(w http.ResponseWriter, r *http.Request, id string, in object) {
	at := slices.IndexFunc(o.rulesets, func(rs object) bool { return fmt.Sprint(rs["id"]) == id })
	switch {
	case id == "" && r.Method == http.MethodGet:
		var out []object
		for _, rs := range o.rulesets {
			out = append(out, object{"id": rs["id"], "name": rs["name"], "target": rs["target"], "enforcement": rs["enforcement"]})
		}
		o.page(w, r, out)
	case id == "":
		if slices.ContainsFunc(o.rulesets, func(rs object) bool { return rs["name"] == in["name"] }) {
			refuseAsGitHub(w, http.StatusUnprocessableEntity)
			return
		}
		in["id"] = 100 + len(o.rulesets)
		if o.Keeps() {
			o.rulesets = append(o.rulesets, in)
		}
		give(w, 201, in)
	case at < 0:
		refuseAsGitHub(w, http.StatusNotFound)
	case r.Method == http.MethodGet:
		give(w, 200, o.rulesets[at])
	case r.Method == http.MethodPut:
		in["id"] = o.rulesets[at]["id"]
		if o.Keeps() {
			o.rulesets[at] = in
		}
		give(w, 200, in)
	default:
		if o.Keeps() {
			o.rulesets = slices.Delete(o.rulesets, at, at+1)
		}
		give(w, 204, nil)
	}
}

func (o *octo) app(w http.ResponseWriter, r *http.Request, below string) {
	const one = "/installations/5001"
	switch r.Method + " " + below {
	case "GET ":
		give(w, 200, object{"id": 77, "slug": "deploy-bot"})
	case "GET /installations":
		o.page(w, r, []object{{"id": 4000, "app_id": 77, "app_slug": "deploy-bot", "account": object{"login": "beta"}}, o.installed})
	case "GET " + one:
		give(w, 200, o.installed)
	case "PUT " + one + "/suspended":
		if o.Keeps() {
			o.installed["suspended_at"] = "2026-03-01T10:00:00Z"
		}
		give(w, 204, nil)
	case "DELETE " + one + "/suspended":
		if o.Keeps() {
			o.installed["suspended_at"] = nil
		}
		give(w, 204, nil)
	default:
		refuseAsGitHub(w, http.StatusNotFound)
	}
}
