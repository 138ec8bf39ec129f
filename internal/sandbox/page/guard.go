package page

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

const maxBody = 256 << 10 // bytes of a request; a modal with every field full is far smaller

// The page runs no inline script and reaches nothing but itself. Images may also
// come from other loopback ports, where the sandbox's vendors live.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data: http://127.0.0.1:* http://localhost:*; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// guard lets in only requests that a browser on this machine addressed to this
// page. A foreign site could otherwise post to loopback from the visitor's browser,
// or point its own name at 127.0.0.1 (DNS rebinding) and read the answers.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", contentPolicy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if !loopback(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, problem{Code: "host", Text: "This page answers on localhost only."})
			return
		}
		if !own(r) {
			refuse(w, http.StatusForbidden, problem{Code: "origin", Text: "This page takes requests from itself only."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// loopback reports whether a Host header names this machine.
func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// own reports whether the request comes from this page, or from no page at all
// (curl, a test). Reading may also start from an address typed by hand.
func own(r *http.Request) bool {
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin":
	case "none":
		if !reading {
			return false
		}
	default:
		// A link on another page may open ours; it may not call the API.
		return reading && r.Header.Get("Sec-Fetch-Mode") == "navigate" && !strings.HasPrefix(r.URL.Path, "/api/")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// problem is a "no" for the person at the page.
type problem struct {
	Code    string            `json:"code"`
	Text    string            `json:"text"`
	Confirm *confirm          `json:"confirm,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"` // by block id
}

type confirm struct {
	Title   string `json:"title"`
	Text    string `json:"text"`
	Confirm string `json:"confirm"`
	Deny    string `json:"deny"`
}

func refuse(w http.ResponseWriter, status int, p problem) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the visitor left: nobody to tell
}

func answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, problem{Code: "internal", Text: "internal error"})
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body) // the visitor left: nobody to tell
}

// ask reads a JSON request into v; on a bad one it answers and returns false.
func ask(w http.ResponseWriter, r *http.Request, v any) bool {
	// A form of another site cannot set this type without the browser asking first.
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		refuse(w, http.StatusUnsupportedMediaType, problem{Code: "content_type", Text: "Requests are JSON."})
		return false
	}
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	err := in.Decode(v)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, problem{Code: "too_large", Text: "That is too long for one message."})
		return false
	case err != nil:
		refuse(w, http.StatusBadRequest, problem{Code: "bad_json", Text: "The page sent something unreadable: " + err.Error()})
		return false
	}
	return true
}
