package webhook

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

const (
	wafToken = "waf-token-nobody-may-see"
	mallory  = "mallory"
)

// office is an honest in-house API: a list of blocked addresses, and users who are
// active, limited or frozen. It refuses to block twice and to free what is free.
type office struct {
	actiontest.Gate
	url string

	mu      sync.Mutex
	blocked map[string]string // address → by whom
	users   map[string]string
	watch   string // "blocks" or "users"
	bodies  []map[string]any
	heads   []http.Header
	paths   []string
}

func newOffice(t testing.TB) *office {
	o := &office{blocked: map[string]string{}, users: map[string]string{mallory: "limited", "alice": "active"}, watch: "users"}
	o.Refuse = func(w http.ResponseWriter, status int) {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":"not with `+wafToken+`"}`)
	}
	web := httptest.NewServer(o)
	t.Cleanup(web.Close)
	o.url = web.URL
	return o
}

func (o *office) host() string { return strings.TrimPrefix(o.url, "http://") }

func (o *office) Look() any {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.watch == "blocks" {
		out := map[string]string{}
		for k, v := range o.blocked {
			out[k] = v
		}
		return out
	}
	return o.users[mallory]
}

func (o *office) Disturb() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.Keeps() {
		return
	}
	o.users[mallory] = "active"
	for k := range o.blocked {
		o.blocked[k] = "monitored"
	}
	if len(o.blocked) == 0 {
		o.blocked["203.0.113.0/24"] = "monitored"
	}
}

func (o *office) Secrets() []string { return []string{wafToken} }

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.Stops(w, r.Method != http.MethodGet) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+wafToken {
		o.Refuse(w, http.StatusUnauthorized)
		return
	}
	o.heads, o.paths = append(o.heads, r.Header.Clone()), append(o.paths, r.URL.EscapedPath())
	var body map[string]any
	if b, _ := io.ReadAll(r.Body); len(b) > 0 {
		if json.Unmarshal(b, &body) != nil {
			o.Refuse(w, http.StatusBadRequest)
			return
		}
		o.bodies = append(o.bodies, body)
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/blocks/"):
		o.block(w, r, strings.TrimPrefix(r.URL.Path, "/v1/blocks/"), body)
	case strings.HasPrefix(r.URL.Path, "/v1/users/"):
		o.user(w, r, strings.TrimPrefix(r.URL.Path, "/v1/users/"), body)
	default:
		o.Refuse(w, http.StatusNotFound)
	}
}

func (o *office) block(w http.ResponseWriter, r *http.Request, address string, body map[string]any) {
	mode, there := o.blocked[address]
	switch {
	case r.Method == http.MethodGet && !there:
		_, _ = io.WriteString(w, `{"block":null}`)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(map[string]any{"block": map[string]any{"mode": mode}})
	case r.Method == http.MethodPut && there, r.Method == http.MethodPut && body["mode"] == nil:
		o.Refuse(w, http.StatusConflict)
	case r.Method == http.MethodPut:
		if o.Keeps() {
			o.blocked[address] = body["mode"].(string)
		}
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodDelete && !there:
		o.Refuse(w, http.StatusNotFound)
	default:
		if o.Keeps() {
			delete(o.blocked, address)
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (o *office) user(w http.ResponseWriter, r *http.Request, name string, body map[string]any) {
	state, there := o.users[name]
	switch {
	case !there:
		o.Refuse(w, http.StatusNotFound)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(map[string]any{"state": state, "groups": []string{"billing"}})
	default:
		to, _ := body["state"].(string)
		if to == state {
			o.Refuse(w, http.StatusConflict)
			return
		}
		if o.Keeps() {
			o.users[name] = to
		}
		_, _ = io.WriteString(w, `{}`)
	}
}

// file is a file for the office.
func (o *office) file() string { return strings.ReplaceAll(example, "HOST", o.host()) }

const example = `
hosts:
  - name: "HOST"
    private: yes
    plain: yes
secrets:
  waf: WAF_TOKEN
actions:
  - name: waf.block-address
    title: Block an address at the office's firewall
    does: The firewall drops everything from and to the address.
    kind: address
    blast: all
    rights: [firewall-writer]
    ttl: 24h
    proof: The firewall is asked for the address again.
    example: waf.block-address 203.0.113.7
    never: [10.0.0.0/8, 192.0.2.1]
    params:
      - {name: mode, help: what the firewall does, default: blocked, choices: [blocked, tarpit]}
    states: [free, blocked, monitored]
    want: blocked
    plan: Block {target} at the firewall.
    done: "{target} is blocked."
    undone: "{target} is as before."
    read:
      get: http://HOST/v1/blocks/{target}
      headers: {Authorization: "Bearer {secret.waf}"}
      state: /block/mode
      missing: free
    do:
      put: http://HOST/v1/blocks/{target}
      headers: {Authorization: "Bearer {secret.waf}", Idempotency-Key: "{key}"}
      json: {mode: "{param.mode}", note: "{note}", keep: 3}
    undo:
      delete: http://HOST/v1/blocks/{target}
      headers: {Authorization: "Bearer {secret.waf}", X-Was: "{found}"}
  - name: office.freeze-user
    title: Freeze a user of the office
    does: The user can do nothing any more.
    kind: identity
    blast: target
    rights: [user-admin]
    ttl: 24h
    destroys: the groups the user was in
    proof: The user is read again.
    example: office.freeze-user mallory
    target: {pattern: "[a-z]+", help: a name in small letters}
    states: [active, limited, frozen]
    want: frozen
    plan: ["Freeze {target}."]
    warnings: Whatever {target} runs stops.
    lost: The groups of {target}.
    done: "{target} is frozen."
    undone: "{target} is as before."
    read:
      get: http://HOST/v1/users/{target}
      headers: {Authorization: "Bearer {secret.waf}"}
      state: /state
      statuses: {404: no-target}
    verify:
      get: http://HOST/v1/users/{target}
      query: {for: "{key}"}
      headers: {Authorization: "Bearer {secret.waf}"}
      state: /state
      seen: effect
    preserve:
      get: http://HOST/v1/users/{target}
      headers: {Authorization: "Bearer {secret.waf}"}
    do:
      post: http://HOST/v1/users/{target}
      headers: {Authorization: "Bearer {secret.waf}"}
      json: {state: frozen}
    undo:
      post: http://HOST/v1/users/{target}
      headers: {Authorization: "Bearer {secret.waf}"}
      json: {state: "{found}"}
`
