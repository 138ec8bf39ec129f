package slack

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const maxBody = 2 << 20 // bytes of one Web API request

// Method is one line of the table of what the Web API answers.
type Method struct {
	Name   string
	Tier   int      // 1 to 4 as in Slack's rate limit tiers; 0: special, see tiers.go
	Scopes []string // any one of them opens the door; kinds of channel may ask for a particular one
	App    bool     // wants the app-level token
	Errors []string // besides CommonErrors

	do func(*Server, *call) (obj, error)
}

// CommonErrors may answer any method.
func CommonErrors() []string {
	return []string{
		"not_authed", "invalid_auth", "token_revoked", "not_allowed_token_type", "missing_scope", "ratelimited",
		"invalid_arguments", "invalid_json", "request_too_large", "unknown_method",
	}
}

// Methods lists every method the sandbox answers, by name.
func Methods() []Method {
	all := slices.Concat(authMethods(), conversationMethods(), membershipMethods(), historyMethods(),
		chatMethods(), scheduleMethods(), viewMethods(), pinMethods(), bookmarkMethods(),
		reactionMethods(), userMethods(), fileMethods())
	slices.SortFunc(all, func(a, b Method) int { return strings.Compare(a.Name, b.Name) })
	return all
}

var methodTable = map[string]Method{}

func init() {
	for _, m := range Methods() {
		methodTable[m.Name] = m
	}
}

// refused is an answer with ok false.
type refused struct {
	code string
	more obj
}

func (r *refused) Error() string { return r.code }

func no(code string) error { return &refused{code: code} }

func noWith(code string, messages ...string) error {
	return &refused{code, obj{"response_metadata": obj{"messages": messages}}}
}

// call is one request that has passed the door.
type call struct {
	method Method
	args   obj
	scopes []string
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := methodName(r)
	args, token, err := readArgs(w, r)
	if err != nil {
		answer(w, nil, err)
		return
	}
	m, known := methodTable[name]
	if !known {
		answer(w, nil, &refused{"unknown_method", obj{"req_method": name}})
		return
	}
	var out obj
	var wait int
	var scopes []string
	s.locked(func() {
		if scopes, err = s.admit(m, token); err != nil {
			return
		}
		if wait = s.throttle(m, args); wait > 0 {
			return
		}
		out, err = m.do(s, &call{m, args, scopes})
	})
	if len(scopes) > 0 {
		w.Header().Set("X-OAuth-Scopes", strings.Join(scopes, ","))
		w.Header().Set("X-Accepted-OAuth-Scopes", strings.Join(m.Scopes, ","))
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"ok":false,"error":"ratelimited"}`)
		return
	}
	answer(w, out, err)
}

// answer writes Slack's envelope; an error is still a 200.
func answer(w http.ResponseWriter, out obj, err error) {
	full := obj{"ok": err == nil}
	if no, is := errors.AsType[*refused](err); is {
		full["error"] = no.code
		out = no.more
	}
	maps.Copy(full, out)
	body, merr := json.Marshal(full)
	if merr != nil {
		http.Error(w, `{"ok":false,"error":"internal_error"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Slack-Req-Id", random(32))
	_, _ = w.Write(body)
}

// readArgs reads a form, query or JSON body and finds the token.
func readArgs(w http.ResponseWriter, r *http.Request) (args obj, token string, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	args = obj{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		b, rerr := io.ReadAll(r.Body)
		if rerr != nil {
			return nil, "", no("request_too_large")
		}
		var body any
		if len(b) > 0 && json.Unmarshal(b, &body) != nil {
			return nil, "", no("invalid_json")
		}
		o, isObject := body.(obj)
		if body != nil && !isObject {
			return nil, "", no("json_not_object")
		}
		maps.Copy(args, o)
		delete(args, "token") // with JSON the token belongs into the header
		copyForm(args, r.URL.Query())
	case "multipart/form-data":
		if r.ParseMultipartForm(maxBody) != nil { //nolint:gosec // the body was bounded before
			return nil, "", no("invalid_form_data")
		}
		copyForm(args, r.Form)
	default:
		if r.ParseForm() != nil {
			return nil, "", no("invalid_form_data")
		}
		copyForm(args, r.Form)
	}
	token, _ = args["token"].(string)
	if h := r.Header.Get("Authorization"); h != "" {
		token = strings.TrimPrefix(h, "Bearer ")
	}
	return args, token, nil
}

func copyForm(args obj, form url.Values) {
	for k, v := range form {
		if len(v) > 0 {
			args[k] = v[0]
		}
	}
}

// str reads a string; numbers and booleans come as they would in a form.
func (c *call) str(key string) string {
	switch v := c.args[key].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (c *call) has(key string) bool { _, ok := c.args[key]; return ok }

func (c *call) flag(key string) bool {
	v := c.str(key)
	return v == "true" || v == "1"
}

// number reads an integer; absent or malformed is fallback.
func (c *call) number(key string, fallback int) int {
	n, err := strconv.Atoi(c.str(key))
	if err != nil {
		return fallback
	}
	return n
}

// list reads a JSON array of strings or a comma-separated string.
func (c *call) list(key string) []string {
	var out []string
	switch v := c.args[key].(type) {
	case []any:
		for _, x := range v {
			if str, ok := x.(string); ok {
				out = append(out, str)
			}
		}
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// json reads a value that a form carries as text. ok is false for broken JSON.
func (c *call) json(key string) (v any, ok bool) {
	str, isText := c.args[key].(string)
	if !isText {
		return c.args[key], true
	}
	if str == "" {
		return nil, true
	}
	err := json.Unmarshal([]byte(str), &v)
	return v, err == nil
}
