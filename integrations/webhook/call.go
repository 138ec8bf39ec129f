package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/actions/declared"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// call is one HTTP call with places in it.
type call struct {
	use     declared.Use
	host    *host
	method  string
	path    declared.Text // of the whole address; the host is cut off again after filling
	from    int           // bytes of the address before its path
	query   []pair
	form    []pair
	headers []pair
	body    *body

	pointer  string // RFC 6901, to the state in the answer
	missing  string // the state when nothing is there
	statuses map[int]string
}

type pair struct {
	name  string
	value declared.Text
}

var (
	methods = []string{"get", "post", "put", "patch", "delete"}
	token   = regexp.MustCompile("^[A-Za-z0-9-]{1,60}$")
	// taken are headers that say where a request ends and who it is for.
	taken = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive"}
)

// callOf reads a part.
func callOf(v declared.Value, u declared.Use, hosts map[string]*host) declared.Part {
	f := v.Fields(append(slices.Clone(methods), "headers", "query", "json", "form", "state", "missing", "statuses", "seen")...)
	c := &call{use: u}
	for _, m := range methods {
		at, ok := f.Get(m)
		switch {
		case !ok:
			continue
		case c.method != "":
			at.Wrong("one call a part: %s is here already", strings.ToLower(c.method))
			continue
		case m != "get" && (u.Reads || strings.HasPrefix(u.Step, "the keeping")):
			at.Wrong("%s reads only, so it is a get", u.Step)
		}
		c.method = strings.ToUpper(m)
		c.address(at, hosts)
	}
	if c.method == "" {
		v.Wrong("which call? One of %s with an address", strings.Join(methods, ", "))
	}
	c.query = pairsOf(f, "query", u.Scope.Public())
	c.form = pairsOf(f, "form", u.Scope)
	c.headers = headersOf(f, u.Scope)
	if b, ok := f.Get("json"); ok {
		c.body = bodyOf(b, u.Scope)
		if len(c.form) > 0 || c.method == http.MethodGet {
			b.Wrong("a call has json or form, and a get has neither")
		}
	}
	c.answer(v, f)
	return c
}

// address reads the address: places stand in its path only, so that no value chooses who
// is called.
func (c *call) address(v declared.Value, hosts map[string]*host) {
	line := v.Line(500)
	t, err := declared.ParseText(line, c.use.Scope.Public())
	if err != nil {
		v.Wrong("%s", err)
		return
	}
	scheme, rest, ok := strings.Cut(t.Lead(), "://")
	name, _, slash := strings.Cut(rest, "/")
	h := hosts[name]
	switch {
	case !ok || !slash || scheme != "https" && scheme != "http":
		v.Wrong("an address begins with https://, a host and a slash, without places")
		return
	case h == nil:
		v.Wrong("%.100q is not among the hosts", name)
		return
	case (scheme == "http") != h.plain:
		v.Wrong("%s is called by https, or by http where the host says plain: yes", name)
	case strings.ContainsAny(line, "?#%\\@ "):
		v.Wrong("an address has no ?, #, %%, @ or blank; what follows a ? goes under query")
	}
	c.host, c.path, c.from = h, t, len(scheme)+len("://")+len(name)
}

func pairsOf(f declared.Fields, key string, s declared.Scope) []pair {
	var out []pair
	for name, v := range f.Pairs(key) {
		out = append(out, pair{name, v.Text(2000, s)})
	}
	return out
}

func headersOf(f declared.Fields, s declared.Scope) []pair {
	var out []pair
	for name, v := range f.Pairs("headers") {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !token.MatchString(name) || slices.Contains(taken, canonical) {
			v.Wrong("%.60q is no header that can be set here", name)
		}
		out = append(out, pair{canonical, v.Text(2000, s)})
	}
	return out
}

// answer reads how the answer becomes a state.
func (c *call) answer(v declared.Value, f declared.Fields) {
	c.statuses = statusOf(f)
	pv, ok := f.Get("state")
	if ok {
		c.pointer = pv.Line(200)
		if !strings.HasPrefix(c.pointer, "/") {
			pv.Wrong("state is a JSON pointer such as /status")
		}
	}
	if mv, ok := f.Get("missing"); ok {
		c.missing = mv.Line(40)
	}
	if c.use.Reads && !ok && len(c.statuses) == 0 {
		v.Wrong("how is the state read? state is a JSON pointer into the answer, statuses says what each HTTP status means")
	}
	if !c.use.Reads && (ok || len(c.statuses) > 0) {
		v.Wrong("what is answered to %s is not read; the state is read by read and verify", c.use.Step)
	}
}

// State calls and finds the state in the answer.
func (c *call) State(ctx context.Context, v declared.Values) (string, error) {
	got, status, err := c.do(ctx, v)
	if s, ok := c.statuses[status]; ok {
		return s, nil
	}
	if err != nil {
		return "", err
	}
	if c.pointer == "" {
		return "", noState(c.use)
	}
	s, ok := pointed(got, c.pointer)
	switch {
	case ok:
		return s, nil
	case c.missing != "":
		return c.missing, nil
	}
	return "", noState(c.use)
}

// Run calls and looks at nothing but the status.
func (c *call) Run(ctx context.Context, v declared.Values) error {
	_, _, err := c.do(ctx, v)
	return err
}

// Keep calls and returns what was answered.
func (c *call) Keep(ctx context.Context, v declared.Values) ([]byte, error) {
	got, _, err := c.do(ctx, v)
	if err == nil && len(got) == 0 {
		err = fmt.Errorf("%s: nothing was answered", c.use.Step)
	}
	return got, err
}

// do returns the answer and its status, which is 0 when there was none.
func (c *call) do(ctx context.Context, v declared.Values) (json.RawMessage, int, error) {
	req, err := c.request(v)
	if err != nil {
		return nil, 0, err
	}
	var got json.RawMessage
	req.Out = &got
	_, err = c.host.rest.Do(ctx, req)
	if err == nil {
		return got, http.StatusOK, nil
	}
	var s *rest.Status
	if errors.As(err, &s) {
		return nil, s.Code, err
	}
	return nil, 0, err
}

// request fills the places.
func (c *call) request(v declared.Values) (rest.Call, error) {
	req := rest.Call{Step: c.use.Step, Method: c.method, Right: c.use.Right, Header: http.Header{}}
	whole, err := c.path.Fill(v, pathPiece)
	if err != nil {
		return req, err
	}
	req.Path = whole[c.from:]
	if climbs(req.Path) {
		return req, errClimbs
	}
	if req.Query, err = filled(c.query, v); err != nil {
		return req, err
	}
	if len(c.form) > 0 {
		if req.Form, err = filled(c.form, v); err != nil {
			return req, err
		}
	}
	for _, h := range c.headers {
		s, err := h.value.Fill(v, nil)
		if err != nil {
			return req, err
		}
		req.Header.Set(h.name, s)
	}
	if c.body != nil {
		if req.In, err = c.body.fill(v); err != nil {
			return req, err
		}
	}
	return req, nil
}

func filled(list []pair, v declared.Values) (url.Values, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := url.Values{}
	for _, p := range list {
		s, err := p.value.Fill(v, nil)
		if err != nil {
			return nil, err
		}
		out.Set(p.name, s)
	}
	return out, nil
}

// pathPiece makes one segment of a path of a value. A server that unescapes before it
// normalises would climb on ..%2F, and would take %2F alone for everything of its kind, so
// that both are refused and not escaped.
func pathPiece(s string) (string, error) {
	if strings.Contains(s, `\`) || climbs(s) || slices.Contains(strings.Split(s, "/"), "") {
		return "", errors.New("would lead elsewhere in the address")
	}
	return url.PathEscape(s), nil
}

var errClimbs = errors.New("the address would lead elsewhere")

func climbs(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." })
}

// pointed follows a JSON pointer to a text, a number or a truth.
func pointed(doc json.RawMessage, pointer string) (string, bool) {
	var at any
	if json.Unmarshal(doc, &at) != nil {
		return "", false
	}
	for _, key := range strings.Split(pointer, "/")[1:] {
		key = strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
		switch in := at.(type) {
		case map[string]any:
			next, ok := in[key]
			if !ok {
				return "", false
			}
			at = next
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(in) {
				return "", false
			}
			at = in[n]
		default:
			return "", false
		}
	}
	switch v := at.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}
