package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/requestlog"
)

const (
	maxRequest  = 4 << 20 // bytes; a file's content is sent in one request
	defaultPage = 30
	maxPage     = 100
	docs        = "https://docs.github.com/rest"
)

type obj map[string]any

// refusal is an answer other than 2xx.
type refusal struct {
	status  int
	message string
	errors  []obj
	docs    string
}

func (r *refusal) Error() string { return r.message }

func (r *refusal) write(w http.ResponseWriter) {
	body := obj{"message": r.message, "documentation_url": docs, "status": strconv.Itoa(r.status)}
	if r.docs != "" {
		body["documentation_url"] = r.docs
	}
	if len(r.errors) > 0 {
		body["errors"] = r.errors
	}
	answer(w, r.status, body)
}

func notFound() *refusal { return &refusal{status: http.StatusNotFound, message: "Not Found"} }

func forbidden(message string) *refusal {
	return &refusal{status: http.StatusForbidden, message: message}
}

// unprocessable is GitHub's 422 with one error in its list.
func unprocessable(resource, field, code, message string) *refusal {
	e := obj{"resource": resource, "field": field, "code": code}
	if message != "" {
		e["message"] = message
	}
	return &refusal{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []obj{e}}
}

// notSupplied is GitHub's 422 for a field its schema requires.
func notSupplied(field string) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("Invalid request.\n\n%q wasn't supplied.", field)}
}

func answer(w http.ResponseWriter, status int, body any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone away
}

// call is one request that was admitted.
type call struct {
	*http.Request
	header  http.Header // of the answer
	prefix  string      // "/api/v3" when the caller speaks Enterprise
	login   string      // "" for nobody
	install *installToken
	app     bool // signed in as the App itself, by JWT
	repo    *repo
}

// endpoint is a verb and path with the rules it enforces and the code that does.
type endpoint struct {
	name    string
	creates bool // counts towards the content-creating limits
	rules   []string
	do      func(*Server, *call) (int, any, *refusal)
}

// match compares a request with an endpoint and returns the named parts of the path.
func (e *endpoint) match(verb, path string) (map[string]string, bool) {
	wantVerb, pattern, _ := strings.Cut(e.name, " ")
	if verb != wantVerb {
		return nil, false
	}
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	named := map[string]string{}
	for i, w := range want {
		if strings.HasSuffix(w, "...}") && i < len(have) {
			named[w[1:len(w)-4]] = strings.Join(have[i:], "/")
			return named, true
		}
		if i >= len(have) {
			return nil, false
		}
		if strings.HasPrefix(w, "{") {
			named[w[1:len(w)-1]] = have[i]
			continue
		}
		if w != have[i] {
			return nil, false
		}
	}
	return named, len(want) == len(have)
}

// route finds the endpoint; earlier ones in the table win.
func route(verb, path string) (*endpoint, map[string]string) {
	for i := range table {
		if named, ok := table[i].match(verb, path); ok {
			return &table[i], named
		}
	}
	return nil, nil
}

func split(r *http.Request) (prefix, path string) {
	path = strings.TrimSuffix(r.URL.EscapedPath(), "/")
	if rest, ok := strings.CutPrefix(path, "/api/v3"); ok && (rest == "" || rest[0] == '/') {
		return "/api/v3", rest
	}
	return "", path
}

// method names a request as the fault package and Methods do.
func method(r *http.Request) string {
	_, path := split(r)
	if e, _ := route(r.Method, path); e != nil {
		return e.name
	}
	return r.Method + " " + path
}

// serve sends a request to its endpoint, or refuses it the way the vendor does.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	requestlog.Reached(w)
	w.Header().Set("X-GitHub-Request-Id", fmt.Sprintf("%X", s.clock.Now().UnixNano()))
	w.Header().Set("X-GitHub-Api-Version-Selected", "2022-11-28")
	if r.Header.Get("User-Agent") == "" {
		forbidden("Request forbidden by administrative rules. Please make sure your request has a User-Agent header").write(w)
		return
	}
	if s.active.Load() > maxConcurrent {
		tooFast(w, 60).write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		(&refusal{status: http.StatusRequestEntityTooLarge, message: "Payload too big"}).write(w)
		return
	}
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	prefix, path := split(r)
	e, named := route(r.Method, path)

	s.mu.Lock()
	defer s.mu.Unlock()
	c, no := s.admit(r)
	if no == nil {
		c.header, c.prefix = w.Header(), prefix
		no = s.limit(c, e)
	}
	if no == nil && e == nil {
		no = notFound()
	}
	if no != nil {
		no.write(w)
		return
	}
	for k, v := range named {
		plain, err := url.PathUnescape(v)
		if err != nil {
			notFound().write(w)
			return
		}
		c.SetPathValue(k, plain)
	}
	status, out, no := s.do(e, c)
	if no != nil {
		no.write(w)
		return
	}
	answer(w, status, out)
}

// do finds the repository, if the path names one, and runs the endpoint. What the
// caller may not see does not exist for it.
func (s *Server) do(e *endpoint, c *call) (int, any, *refusal) {
	if c.PathValue("owner") == "" {
		return e.do(s, c)
	}
	c.repo = s.repoNamed(c.PathValue("owner") + "/" + c.PathValue("repo"))
	if c.app && c.repo != nil && strings.HasSuffix(e.name, "/installation") {
		return e.do(s, c)
	}
	if c.repo == nil || s.access(c, c.repo) < canRead {
		return 0, nil, notFound()
	}
	if c.Method != http.MethodGet {
		if c.login == "" && c.install == nil {
			return 0, nil, &refusal{status: http.StatusUnauthorized, message: "Requires authentication"}
		}
		if c.repo.archived {
			return 0, nil, forbidden("Repository was archived so is read-only.")
		}
	}
	if c.install != nil && c.Method != http.MethodGet && !c.install.covers(c.repo.full()) {
		return 0, nil, forbidden("Resource not accessible by integration")
	}
	if no := c.permitted(); no != nil {
		return 0, nil, no
	}
	return e.do(s, c)
}

// decode reads the request's JSON.
func decode(c *call, into any) *refusal {
	err := json.NewDecoder(c.Body).Decode(into)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return &refusal{status: http.StatusUnprocessableEntity, message: fmt.Sprintf("Invalid request.\n\nFor '%s', the value is not of the expected type.", wrongType.Field)}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return &refusal{status: http.StatusBadRequest, message: "Problems parsing JSON"}
	}
	return nil
}

// number reads a number from the path; anything else does not exist.
func (c *call) number(name string) int64 {
	n, err := strconv.ParseInt(c.PathValue(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// page cuts a list by page and per_page and writes the Link header.
func page[T any](s *Server, c *call, all []T, render func(T) obj) (int, any, *refusal) {
	part := cut(s, c, all)
	out := make([]obj, 0, len(part))
	for _, one := range part {
		out = append(out, render(one))
	}
	return http.StatusOK, out, nil
}

func cut[T any](s *Server, c *call, all []T) []T {
	q := c.URL.Query()
	per, at := defaultPage, 1
	if v, err := strconv.Atoi(q.Get("per_page")); err == nil && v > 0 {
		per = min(v, maxPage)
	}
	if v, err := strconv.Atoi(q.Get("page")); err == nil && v > 0 {
		at = min(v, 1_000_000)
	}
	last := max(1, (len(all)+per-1)/per)
	link := func(n int, rel string) string {
		q.Set("page", strconv.Itoa(n))
		return fmt.Sprintf("<%s%s?%s>; rel=%q", s.base, c.URL.EscapedPath(), q.Encode(), rel)
	}
	var links []string
	if at > 1 {
		links = append(links, link(min(at-1, last), "prev"), link(1, "first"))
	}
	if at < last {
		links = append(links, link(at+1, "next"), link(last, "last"))
	}
	if len(links) > 0 {
		c.header.Set("Link", strings.Join(links, ", "))
	}
	from := min((at-1)*per, len(all))
	return all[from:min(from+per, len(all))]
}
