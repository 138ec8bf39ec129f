package slack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

const (
	botToken   = "xoxb-nobody-may-see"
	adminToken = "xoxp-nobody-may-see-either"
)

// workspace is an honest Slack: it answers errors with 200 and a code, lets a bot act only
// in channels it is in, removes nobody from the general channel, and pages by two.
type workspace struct {
	actiontest.Gate
	url string

	mu       sync.Mutex
	users    map[string]map[string]any
	channels map[string]*room
	sessions map[string][]int
	scopes   map[string]string // by token
	disturb  func()
	refuse   map[string]string // methods and the code they are answered with
	current  string            // the method that is being answered
}

// needs are the scopes of the methods.
var needs = map[string]string{"users.info": readUsers, "users.lookupByEmail": readEmails, "users.conversations": readPublic, "conversations.kick": kickPublic,
	"conversations.invite": kickPublic, "admin.users.session.list": readSessions, "admin.users.session.reset": endSessions}

type room struct {
	id, name         string
	private, general bool
	members          []string
}

func newWorkspace(t *testing.T) *workspace {
	w := &workspace{
		users: map[string]map[string]any{
			"UTOCSIN0": {"id": "UTOCSIN0", "name": "tocsin", "team_id": "T1", "is_bot": true, "profile": map[string]any{}},
			"UMALLORY": {"id": "UMALLORY", "name": "mallory", "team_id": "T1", "is_admin": true, "profile": map[string]any{"email": "mallory@example.com"}},
			"UROOT000": {"id": "UROOT000", "name": "root", "team_id": "T1", "profile": map[string]any{"email": "root@example.com"}},
		},
		channels: map[string]*room{},
		sessions: map[string][]int{"UMALLORY": {1112275520242, 1112275520243, 1112275520244}},
		scopes: map[string]string{
			botToken:   "users:read,users:read.email,channels:read,groups:read,channels:manage,groups:write",
			adminToken: "admin.users:read,admin.users:write",
		},
		refuse: map[string]string{},
	}
	for _, r := range []room{
		{id: "C1", name: "general", general: true, members: []string{"UTOCSIN0", "UMALLORY"}},
		{id: "C2", name: "billing", members: []string{"UTOCSIN0", "UMALLORY"}},
		{id: "C3", name: "inc-0001", private: true, members: []string{"UTOCSIN0", "UMALLORY"}},
		{id: "C4", name: "random", members: []string{"UMALLORY"}},
		{id: "C5", name: "ops", members: []string{"UTOCSIN0"}},
	} {
		w.channels[r.id] = &r
	}
	w.disturb = func() { w.channels["C5"].members = append(w.channels["C5"].members, "UMALLORY") }
	w.Refuse = func(rw http.ResponseWriter, status int) {
		switch status { // Slack sends these with 200
		case http.StatusForbidden:
			answer(rw, map[string]any{"ok": false, "error": "missing_scope", "needed": needs[w.current], "provided": "chat:write"})
		case http.StatusUnauthorized:
			no(rw, "invalid_auth")
		case http.StatusTooManyRequests:
			rw.Header().Set("Retry-After", "7")
			rw.WriteHeader(status)
			no(rw, "ratelimited")
		default:
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte("not with " + botToken))
		}
	}
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	w.url = web.URL
	return w
}

func (w *workspace) Look() any {
	w.mu.Lock()
	defer w.mu.Unlock()
	var in []string
	for _, id := range slices.Sorted(maps.Keys(w.channels)) {
		if slices.Contains(w.channels[id].members, "UMALLORY") {
			in = append(in, id)
		}
	}
	return []any{in, w.sessions["UMALLORY"]}
}

func (w *workspace) Disturb() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Keeps() {
		w.disturb()
	}
}

func (w *workspace) Secrets() []string { return []string{botToken, adminToken} }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}

func no(w http.ResponseWriter, code string) {
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": code})
}

func (w *workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	method := strings.TrimPrefix(r.URL.Path, "/")
	w.current = method
	write := slices.Contains([]string{"conversations.kick", "conversations.invite", "admin.users.session.reset"}, method)
	if w.Stops(rw, write) {
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	have, known := w.scopes[token]
	if !known {
		no(rw, "invalid_auth")
		return
	}
	rw.Header().Set("X-OAuth-Scopes", have)
	if code, ok := w.refuse[method]; ok {
		no(rw, code)
		return
	}
	need := needs[method]
	if !slices.Contains(strings.Split(have, ","), need) && need != "" {
		answer(rw, map[string]any{"ok": false, "error": "missing_scope", "needed": need, "provided": have})
		return
	}
	in := map[string]string{}
	if r.Method == http.MethodPost {
		if r.Header.Get("Content-Type") != "application/json; charset=utf-8" || json.NewDecoder(r.Body).Decode(&in) != nil {
			no(rw, "invalid_json")
			return
		}
	}
	w.method(rw, r, method, in)
}

func (w *workspace) method(rw http.ResponseWriter, r *http.Request, method string, in map[string]string) {
	q := r.URL.Query()
	switch method {
	case "auth.test":
		answer(rw, map[string]any{"ok": true, "user_id": "UTOCSIN0", "team_id": "T1"})
	case "users.info":
		if u, ok := w.users[q.Get("user")]; ok {
			answer(rw, map[string]any{"ok": true, "user": u})
			return
		}
		no(rw, "user_not_found")
	case "users.lookupByEmail":
		for _, u := range w.users {
			if mail, _ := u["profile"].(map[string]any)["email"].(string); mail != "" && strings.EqualFold(mail, q.Get("email")) {
				answer(rw, map[string]any{"ok": true, "user": u})
				return
			}
		}
		no(rw, "users_not_found")
	case "users.conversations":
		w.list(rw, q.Get("user"), q.Get("cursor"))
	case "conversations.kick":
		w.kick(rw, w.channels[in["channel"]], in["user"])
	case "conversations.invite":
		w.invite(rw, w.channels[in["channel"]], in["users"])
	case "admin.users.session.list":
		if q.Get("user_id") == "" || q.Get("team_id") == "" {
			no(rw, "invalid_arguments")
			return
		}
		out := []any{}
		for _, id := range w.sessions[q.Get("user_id")] {
			out = append(out, map[string]any{"user_id": q.Get("user_id"), "team_id": "T1", "session_id": id, "recent": map[string]any{"ip": "203.0.113.7"}})
		}
		answer(rw, map[string]any{"ok": true, "active_sessions": out})
	case "admin.users.session.reset":
		if len(w.sessions[in["user_id"]]) > 0 && w.Keeps() {
			w.sessions[in["user_id"]] = nil
		}
		answer(rw, map[string]any{"ok": true})
	default:
		no(rw, "unknown_method")
	}
}

func (w *workspace) list(rw http.ResponseWriter, user, cursor string) {
	var out []any
	for _, id := range slices.Sorted(maps.Keys(w.channels)) {
		c := w.channels[id]
		if slices.Contains(c.members, user) && (!c.private || slices.Contains(c.members, "UTOCSIN0")) {
			out = append(out, map[string]any{"id": c.id, "name": c.name, "is_private": c.private, "is_general": c.general})
		}
	}
	from := 0
	_, _ = fmt.Sscanf(cursor, "at-%d", &from)
	to, next := min(from+2, len(out)), ""
	if to < len(out) {
		next = fmt.Sprintf("at-%d", to)
	}
	answer(rw, map[string]any{"ok": true, "channels": out[min(from, to):to], "response_metadata": map[string]any{"next_cursor": next}})
}

func (w *workspace) kick(rw http.ResponseWriter, c *room, user string) {
	switch {
	case c == nil || !slices.Contains(c.members, "UTOCSIN0"):
		no(rw, "channel_not_found")
	case c.general:
		no(rw, "cant_kick_from_general")
	case user == "UTOCSIN0":
		no(rw, "cant_kick_self")
	case !slices.Contains(c.members, user):
		no(rw, "not_in_channel")
	default:
		if w.Keeps() {
			c.members = slices.DeleteFunc(c.members, func(m string) bool { return m == user })
		}
		answer(rw, map[string]any{"ok": true})
	}
}

func (w *workspace) invite(rw http.ResponseWriter, c *room, user string) {
	switch {
	case c == nil || !slices.Contains(c.members, "UTOCSIN0"):
		no(rw, "not_in_channel")
	case slices.Contains(c.members, user):
		no(rw, "already_in_channel")
	default:
		if w.Keeps() {
			c.members = append(c.members, user)
		}
		answer(rw, map[string]any{"ok": true})
	}
}
