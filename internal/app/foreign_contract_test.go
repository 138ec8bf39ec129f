package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract is a vendor's own description of its API, cut to the paths under test.
type contract struct{ router routers.Router }

// openContract reads a description (OpenAPI 3, JSON).
func openContract(t *testing.T, file string, prefixes ...string) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(part(t, file, prefixes...))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &contract{router: router}
}

// part is a description without what the paths do not need. A whole one takes seconds
// to read and, where a single reference is bad, cannot be read at all.
func part(t *testing.T, file string, prefixes ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(raw, &whole); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	amend(whole)
	out, err := json.Marshal(cutTo(whole, prefixes))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cutTo keeps the paths with a prefix and the components they refer to. Servers go
// too: these are reached at addresses of our own.
func cutTo(whole map[string]any, prefixes []string) map[string]any {
	paths := map[string]any{}
	for path, what := range whole["paths"].(map[string]any) {
		for _, p := range prefixes {
			if path == p || strings.HasPrefix(path, p+"/") {
				delete(what.(map[string]any), "servers")
				paths[path] = what
			}
		}
	}
	all, _ := whole["components"].(map[string]any)
	kept := map[string]any{"securitySchemes": all["securitySchemes"]}
	var follow func(any)
	follow = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				follow(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
				name, _, _ = strings.Cut(name, "/")
				from, _ := all[kind].(map[string]any)
				to, _ := kept[kind].(map[string]any)
				if to == nil {
					to = map[string]any{}
					kept[kind] = to
				}
				if _, done := to[name]; !done && from[name] != nil {
					to[name] = from[name]
					follow(from[name])
				}
			}
			for _, e := range v {
				follow(e)
			}
		}
	}
	follow(paths)
	if kept["securitySchemes"] == nil {
		delete(kept, "securitySchemes")
	}
	out := map[string]any{"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": kept}
	if s := whole["security"]; s != nil {
		out["security"] = s
	}
	return out
}

var contractOptions = &openapi3filter.Options{
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, IncludeResponseStatus: true,
	RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
	// "readOnly" stands on the id of every reference, which is there to be sent.
	ExcludeReadOnlyValidations: true,
}

// judge compares one call with the description: what is wrong with the request, and
// with the answer when answers are to be judged.
func (c *contract) judge(got exchange, answers bool) []string {
	r := &http.Request{Method: got.Method, URL: &url.URL{Path: got.Path, RawQuery: got.Query}, Header: got.Header.Clone(),
		Body: io.NopCloser(bytes.NewReader(got.Body)), ContentLength: int64(len(got.Body))}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return []string{fmt.Sprintf("%s %s: not in the description: %v", got.Method, got.Path, err)}
	}
	var out []string
	add := func(what string, err error) {
		for _, e := range flatten(err) {
			fault := indices.ReplaceAllString(fmt.Sprintf("%s %s: %s: %s", got.Method, route.Path, what, e), "/*")
			if !slices.ContainsFunc(pardons, func(p *regexp.Regexp) bool { return p.MatchString(fault) }) {
				out = append(out, fault)
			}
		}
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: contractOptions}
	add("request", openapi3filter.ValidateRequest(r.Context(), in))
	if answers {
		answer := (&openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: got.Status, Header: got.AnswerHeader, Options: contractOptions}).SetBodyBytes(got.Answer)
		add(fmt.Sprintf("answer %d", got.Status), openapi3filter.ValidateResponse(r.Context(), answer))
	}
	return out
}

// amend corrects a description where it contradicts itself.
func amend(whole map[string]any) {
	// PagerDuty: the text of an incident is an object by its schema, and a string in
	// every example of the same description, as in its guides and its own Go client.
	components, _ := whole["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	if body, ok := schemas["IncidentBody"].(map[string]any); ok {
		body["properties"].(map[string]any)["details"] = map[string]any{}
	}
	if info, _ := whole["info"].(map[string]any); strings.Contains(fmt.Sprint(info["title"]), "PagerDuty") {
		alsoAsAccepted(whole)
	}
}

// alsoAsAccepted lets every answer be of the type that PagerDuty wants every caller to
// accept, by the same description, and that none of its answers has.
func alsoAsAccepted(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			alsoAsAccepted(e)
		}
	case map[string]any:
		content, _ := v["content"].(map[string]any)
		if plain := content["application/json"]; plain != nil {
			content["application/vnd.pagerduty+json;version=2"] = plain
		}
		for _, e := range v {
			alsoAsAccepted(e)
		}
	}
}

// pardons are answers that deviate from PagerDuty's description where that is wrong
// about PagerDuty. Requests are pardoned nothing.
var pardons = []*regexp.Regexp{
	// "If null, the on-call is a permanent user on-call", says the field itself; and
	// then no schedule puts the user there.
	regexp.MustCompile(`^GET /oncalls: answer 200: /oncalls/\*/(start|end|schedule): Value is not nullable`),
	// "or null if the incident is not resolved", says the field itself; an example has
	// a priority of null; an incident that an alert opened has no key of its own.
	regexp.MustCompile(`^\w+ /incidents(/\{id\})?: answer 20[01]: /incidents?(/\*)?/(resolved_at|priority|incident_key): Value is not nullable`),
	// include[]=users and include[]=contact_methods are there to get the whole thing in
	// the place of its reference.
	regexp.MustCompile(`^GET /oncalls: answer 200: /oncalls/\*/user/type: .*"user_reference"\]`),
	regexp.MustCompile(`^GET /users/\{id\}: answer 200: /user/contact_methods/\*/type: .*_contact_method_reference`),
}

// indices are places in a list: one kind of fault is told once.
var indices = regexp.MustCompile(`/[0-9]+\b`)

// flatten tells each fault in a line of its own, without the schema and the value.
func flatten(err error) []string {
	var many openapi3.MultiError
	var schema *openapi3.SchemaError
	var request *openapi3filter.RequestError
	var response *openapi3filter.ResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &request) && request.Err != nil && request.Parameter == nil:
		return flatten(request.Err)
	case errors.As(err, &response) && response.Err != nil:
		return flatten(response.Err)
	case errors.As(err, &many):
		var out []string
		for _, e := range many {
			out = append(out, flatten(e)...)
		}
		return out
	case errors.As(err, &schema):
		line := "/" + strings.Join(schema.JSONPointer(), "/") + ": " + schema.Reason
		if schema.Origin != nil {
			line += " (" + strings.Join(flatten(schema.Origin), "; ") + ")"
		}
		return []string{line}
	}
	line, _, _ := strings.Cut(err.Error(), "\nSchema:")
	return []string{line}
}
