package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// uttered is one thing that Tocsin said over the wire, with whom it reaches.
type uttered struct {
	What    string // "slack chat.postMessage", "github POST /repos/…", "answer /slack/command"
	Channel string // Slack channel it is put into, "" for none
	Person  string // Slack account that alone is shown it, "" for none
	Text    string // all of it, decoded
}

// tap keeps everything Tocsin says to the vendors, and what it answers them.
type tap struct {
	t    *testing.T
	http *http.Client

	// mu guards everything that follows.
	mu   sync.Mutex
	said []uttered
	// whose is the account behind a trigger id, a response URL or an open form
	whose map[string]string
}

func newTap(t *testing.T) *tap {
	return &tap{t: t, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, whose: map[string]string{}}
}

// outward stands between Tocsin and a vendor and gives the address to call it by.
func (w *tap) outward(vendor, base string) string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		u := uttered{What: vendor + " " + r.Method + " " + r.URL.RequestURI(), Text: decoded(r.URL.RequestURI(), body)}
		if vendor == "slack" {
			u.Channel, u.Person = w.reaches(r.URL.Path, body)
			u.What = "slack " + r.URL.Path
		}
		w.keep(u)
		answer := w.carry(rw, r, base, body)
		if strings.HasPrefix(r.URL.Path, "/api/views.") {
			var got struct{ View struct{ ID string } }
			if json.Unmarshal(answer, &got) == nil && got.View.ID != "" {
				w.own(got.View.ID, u.Person)
			}
		}
	}))
	w.t.Cleanup(s.Close)
	return s.URL
}

// inward stands between the vendors, or an attacker, and Tocsin's door.
func (w *tap) inward(base string) string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		who := ""
		if strings.HasPrefix(r.URL.Path, "/slack/") {
			who = w.asks(body)
		}
		answer := w.carry(rw, r, base, body)
		w.keep(uttered{What: "answer " + r.URL.Path, Person: who, Text: string(answer)})
	}))
	w.t.Cleanup(s.Close)
	return s.URL
}

// carry makes the call; a vendor that hangs up on Tocsin is hung up.
func (w *tap) carry(rw http.ResponseWriter, r *http.Request, base string, body []byte) []byte {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, base+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Header = r.Header.Clone()
	resp, err := w.http.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	pass(rw, resp, answer)
	return answer
}

// asks is the account behind a request of Slack's, and remembers by what Tocsin may
// answer it later.
func (w *tap) asks(body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	who, trigger, to, view := form.Get("user_id"), form.Get("trigger_id"), form.Get("response_url"), ""
	if payload := form.Get("payload"); payload != "" {
		var in struct {
			User        struct{ ID string }
			View        struct{ ID string }
			TriggerID   string `json:"trigger_id"`
			ResponseURL string `json:"response_url"`
		}
		if json.Unmarshal([]byte(payload), &in) != nil {
			return ""
		}
		who, trigger, to, view = in.User.ID, in.TriggerID, in.ResponseURL, in.View.ID
	}
	if u, err := url.Parse(to); err == nil && to != "" {
		w.own(u.Path, who)
	}
	w.own(trigger, who)
	w.own(view, who)
	return who
}

// reaches says where a call of Slack's Web API puts what it carries.
func (w *tap) reaches(path string, body []byte) (channel, person string) {
	if strings.HasPrefix(path, "/response/") {
		return "", w.owner(path)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", ""
	}
	get := form.Get
	var object map[string]any
	if json.Unmarshal(body, &object) == nil {
		get = func(key string) string { s, _ := object[key].(string); return s }
	}
	switch strings.TrimPrefix(path, "/api/") {
	case "chat.postEphemeral":
		return "", get("user")
	case "views.publish":
		return "", get("user_id")
	case "views.open", "views.push":
		return "", w.owner(get("trigger_id"))
	case "views.update":
		return "", w.owner(get("view_id"))
	}
	if channel = get("channel"); channel == "" {
		channel = get("channel_id") // bookmarks
	}
	return channel, ""
}

func (w *tap) keep(u uttered) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, u)
}

func (w *tap) own(what, who string) {
	if what == "" || who == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whose[what] = who
}

func (w *tap) owner(what string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.whose[what]
}

func (w *tap) all() []uttered {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]uttered(nil), w.said...)
}

// decoded is a request with nothing of it hidden behind escapes.
func decoded(uri string, body []byte) string {
	out := uri + "\n" + string(body)
	for _, text := range []string{uri, string(body)} {
		if plain, err := url.QueryUnescape(text); err == nil {
			out += "\n" + plain
		}
	}
	return out
}
