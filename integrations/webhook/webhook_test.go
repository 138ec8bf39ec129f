package webhook

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/actions/declared"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func env(name string) (string, bool) { return wafToken + "\n", name == "WAF_TOKEN" }

func load(t testing.TB, text string) []actions.Action {
	t.Helper()
	all, err := Actions(Config{File: "actions.yaml", Text: []byte(text), Env: env})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func the(t testing.TB, all []actions.Action, name string) actions.Action {
	t.Helper()
	for _, a := range all {
		if a.Spec().Name == name {
			return a
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func TestActionsKeepTheContract(t *testing.T) {
	actiontest.Conform(t, actiontest.Case{Name: "waf.block-address", Unproven: true,
		Make: func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			o := newOffice(t)
			o.watch = "blocks"
			return the(t, load(t, o.file()), "waf.block-address"), o, actions.Input{Target: "203.0.113.99/24"}
		}})
	actiontest.Conform(t, actiontest.Case{Name: "office.freeze-user", Unknown: "nobody",
		Make: func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			o := newOffice(t)
			return the(t, load(t, o.file()), "office.freeze-user"), o, actions.Input{Target: mallory}
		}})
}

// A value is one segment of the path, one text of the body, one header: it never becomes more.
func TestWhatIsTypedStaysInItsPlace(t *testing.T) {
	o := newOffice(t)
	text := strings.Replace(o.file(), `pattern: "[a-z]+"`, `pattern: ".*"`, 1)
	freeze := the(t, load(t, text), "office.freeze-user")
	for _, odd := range []string{"..", ".", "/", "a/", "//", "../blocks/1.2.3.4", `..\admin`, "a/../../b", "x\r\nX-Evil: 1", "x\x00y", "\u202eevil"} {
		_, err := freeze.Plan(t.Context(), actions.Input{Target: odd})
		var no *actions.NoTarget
		if !errors.As(err, &no) && !incident.IsGivenUp(err) {
			t.Errorf("%q: %v", odd, err)
		}
	}
	if len(o.paths) > 0 {
		t.Errorf("somebody was called: %q", o.paths)
	}
	for typed, path := range map[string]string{
		"a/b": "/v1/users/a%2Fb", "a?b=c": "/v1/users/a%3Fb=c", "a#b": "/v1/users/a%23b", "%2e%2e": "/v1/users/%252e%252e", "a;b": "/v1/users/a%3Bb",
	} {
		o.paths = nil
		_, _ = freeze.Plan(t.Context(), actions.Input{Target: typed})
		if len(o.paths) != 1 || o.paths[0] != path {
			t.Errorf("%q called %q", typed, o.paths)
		}
	}
}

func TestAValueCannotEndTheTextItStandsIn(t *testing.T) {
	o := newOffice(t)
	block := the(t, load(t, o.file()), "waf.block-address")
	note := `x", "mode": "off", "y": "{secret.waf}`
	p, err := block.Plan(t.Context(), actions.Input{Target: "203.0.113.7", Params: map[string]string{"mode": "blocked"}, Key: "k", Note: note})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := block.Do(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got := o.bodies[len(o.bodies)-1]; got["note"] != note || got["mode"] != "blocked" || got["keep"] != 3.0 {
		t.Errorf("the office was told %v", got)
	}
	p.Key = "k\r\nX-Evil: 1"
	o.blocked, o.heads = map[string]string{}, nil
	if _, err := block.Do(t.Context(), p); !incident.IsGivenUp(err) {
		t.Errorf("a line break in a header: %v", err)
	}
	for _, h := range o.heads {
		if h.Get("X-Evil") != "" {
			t.Error("a header was made of a value")
		}
	}
}

func TestWhatIsNeverTouched(t *testing.T) {
	o := newOffice(t)
	block := the(t, load(t, o.file()), "waf.block-address")
	for _, target := range []string{"10.1.2.3", "10.0.0.0/7", "::ffff:10.1.2.3", "0.0.0.0/0", "192.0.2.1"} {
		if _, err := block.Plan(t.Context(), actions.Input{Target: target}); !incident.IsGivenUp(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// The office sends whoever asks to the metadata service; nobody goes there.
func TestARedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inner.Close()
	for _, to := range []string{"http://169.254.169.254/latest/meta-data/iam/", inner.URL} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }))
		defer web.Close()
		text := strings.ReplaceAll(example, "HOST", strings.TrimPrefix(web.URL, "http://"))
		_, err := the(t, load(t, text), "office.freeze-user").Plan(t.Context(), actions.Input{Target: mallory})
		if err == nil || !strings.Contains(err.Error(), "307") || reached.Load() > 0 {
			t.Errorf("%s: %v, and %d came through", to, err, reached.Load())
		}
	}
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range 64 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer web.Close()
	text := strings.ReplaceAll(example, "HOST", strings.TrimPrefix(web.URL, "http://"))
	_, err := the(t, load(t, text), "office.freeze-user").Plan(t.Context(), actions.Input{Target: mallory})
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}

// A state is a word that the file names: what else a vendor says goes nowhere.
func TestAnAnswerThatIsNoStateIsNotRepeated(t *testing.T) {
	o := newOffice(t)
	o.users[mallory] = wafToken
	_, err := the(t, load(t, o.file()), "office.freeze-user").Plan(t.Context(), actions.Input{Target: mallory})
	if err == nil || strings.Contains(err.Error(), wafToken) {
		t.Errorf("got %v", err)
	}
}

// A name that the file allows and that turns out to be inside the network is not called.
func TestAnAddressInsideIsNotCalledUnlessTheFileSaysSo(t *testing.T) {
	o := newOffice(t)
	_, port, _ := strings.Cut(o.host(), ":")
	for _, host := range []string{o.host(), "localhost:" + port, "169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "0.0.0.0:" + port} {
		text := strings.Replace(strings.ReplaceAll(example, "HOST", host), "private: yes", "private: no", 1)
		_, err := the(t, load(t, text), "office.freeze-user").Plan(t.Context(), actions.Input{Target: mallory})
		if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "may not be called") {
			t.Errorf("%s: %v", host, err)
		}
	}
	text := strings.ReplaceAll(example, "HOST", "169.254.169.254")
	if _, err := the(t, load(t, text), "office.freeze-user").Plan(t.Context(), actions.Input{Target: mallory}); !incident.IsGivenUp(err) {
		t.Errorf("a metadata service that the file allows: %v", err)
	}
	if len(o.paths) > 0 {
		t.Errorf("somebody was called: %q", o.paths)
	}
}

func TestWhichAddressesMayBeCalled(t *testing.T) {
	for address, may := range map[string][2]bool{ // without and with private: yes
		"8.8.8.8": {true, true}, "2606:4700::1111": {true, true}, "64:ff9b::808:808": {true, true},
		"10.0.0.1": {false, true}, "127.0.0.1": {false, true}, "::1": {false, true}, "192.168.1.1": {false, true}, "fd12::1": {false, true},
		"100.64.0.1": {false, true}, "::ffff:10.0.0.1": {false, true}, "64:ff9b::a00:1": {false, true},
		"169.254.169.254": {}, "fe80::1": {}, "fd00:ec2::254": {}, "100.100.100.200": {}, "168.63.129.16": {}, "::ffff:169.254.169.254": {},
		"64:ff9b::a9fe:a9fe": {}, "2002:a9fe:a9fe::1": {}, "::169.254.169.254": {}, "0.0.0.0": {}, "::": {}, "224.0.0.1": {}, "255.255.255.255": {},
	} {
		for i, private := range []bool{false, true} {
			if got := rest.May(netip.MustParseAddr(address), private); got != may[i] {
				t.Errorf("%s, private %v: %v", address, private, got)
			}
		}
	}
}

func TestAFileSaysWhereItIsWrong(t *testing.T) {
	o := newOffice(t)
	good := o.file()
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown key":              {"    title: Freeze", "    titel: Freeze", "unknown key \"titel\""},
		"unknown key in a call":    {"      seen: effect", "      seen: effect\n      follow: yes", "unknown key \"follow\""},
		"key twice":                {"    want: frozen", "    want: frozen\n    want: active", "is here twice"},
		"another host":             {"post: http://" + o.host() + "/v1/users/{target}", "post: http://evil.example/v1/users/{target}", "not among the hosts"},
		"a place in the host":      {"post: http://" + o.host(), "post: http://{target}", "without places"},
		"a user in the address":    {"post: http://" + o.host() + "/", "post: http://" + o.host() + "/@", "no ?, #"},
		"a secret in the address":  {"/v1/users/{target}\n      query", "/v1/users/{secret.waf}\n      query", "would be seen"},
		"a secret in a query":      {`query: {for: "{key}"}`, `query: {for: "{secret.waf}"}`, "would be seen"},
		"a secret on the card":     {`plan: ["Freeze {target}."]`, `plan: ["{secret.waf}"]`, "would be seen"},
		"a host header":            {"headers: {Authorization: \"Bearer {secret.waf}\", X-Was", "headers: {Host: evil.example, X-Was", "no header"},
		"reading by post":          {"    verify:\n      get", "    verify:\n      post", "reads only"},
		"an unknown place":         {"{param.mode}", "{param.mood}", "no parameter"},
		"found before there is":    {`note: "{note}"`, `note: "{found}"`, "way back only"},
		"a way back to one of two": {`json: {state: "{found}"}`, `json: {state: active}`, "must name {found}"},
		"an anchor":                {"    want: frozen", "    want: &x frozen", "anchors"},
		"no secret there":          {"waf: WAF_TOKEN", "waf: OTHER_TOKEN", "the environment has no OTHER_TOKEN"},
		"a status that is no":      {"{404: no-target}", "{403: no-target}", "cannot be a state"},
		"not YAML":                 {"actions:\n", "actions: [\n", "not YAML"},
		"https asked, http there":  {"    plain: yes", "    plain: no", "is called by https"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if text == good {
			t.Errorf("%s: the file was not changed", name)
		}
		_, err := Actions(Config{File: "actions.yaml", Text: []byte(text), Env: env})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "actions.yaml:") || strings.Contains(err.Error(), wafToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Actions(Config{File: "f.yaml", Text: []byte("hosts:\n  - name: a.example\n    color: red\nactions: []\n"), Env: env})
	if want := `f.yaml:3:5: unknown key "color"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Whatever a file says and whatever is typed, only a host of the file is called.
func FuzzFile(f *testing.F) {
	o := newOffice(f)
	f.Add(o.file(), "mallory", "blocked")
	f.Add(o.file(), "../../x", "\r\n")
	f.Add("hosts: [{name: a.example}]\nactions: [{name: a.b, read: {get: 'https://a.example/{target}'}}]", "x", "y")
	f.Add("actions: &a [*a]", "", "")
	f.Fuzz(func(t *testing.T, text, target, value string) {
		all, err := Actions(Config{File: "f", Text: []byte(text), Env: env})
		if err != nil {
			return
		}
		if _, err := actions.NewCatalogue(all); err != nil {
			t.Fatalf("a file was taken that cannot be offered: %v", err)
		}
	})
}

func TestTheLargestFileIsReadInBoundedTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("hosts: []\nactions:\n")
	for i := range 600 {
		fmt.Fprintf(&b, "  - name: a.b%d\n", i)
	}
	for _, text := range []string{b.String(), strings.Repeat("[", 100000), strings.Repeat("- ", 1900), strings.Repeat("a: 1\n", 30000), strings.Repeat("x", 300<<10)} {
		if _, err := Actions(Config{File: "f", Text: []byte(text), Env: env}); err == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
}

func TestEvidenceIsWhatWasAnswered(t *testing.T) {
	o := newOffice(t)
	p, ok := the(t, load(t, o.file()), "office.freeze-user").(actions.Preserver)
	if !ok {
		t.Fatal("it keeps nothing")
	}
	e, err := p.Preserve(t.Context(), actions.Input{Target: mallory})
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Items[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(f)
	if !strings.Contains(string(b), "billing") {
		t.Errorf("kept: %s", b)
	}
}

// The file in the document is taken.
func TestTheDocumentsFileIsTaken(t *testing.T) {
	doc, err := os.ReadFile("../../docs/adapters/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```\n")
	if !ok || len(load(t, text)) != 1 {
		t.Error("the document has no file")
	}
}

// Whatever is typed, the call goes to the host and to the one segment that the file names.
func FuzzValue(f *testing.F) {
	var calls []*call
	o := newOffice(f)
	_, err := declared.Load(declared.File{Name: "f", Text: []byte(o.file()), Env: env}, func(top declared.Fields) declared.Kit {
		hosts := hostsOf(top, nil)
		return func(v declared.Value, u declared.Use) declared.Part {
			c := callOf(v, u, hosts).(*call)
			calls = append(calls, c)
			return c
		}
	}, "hosts")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"mallory", "../x", "..", "a/b", "a%2f..", "x\r\nHost: evil", "{target}", "?x#y", "\\", ";", "@evil.example"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, target, other string) {
		for _, c := range calls {
			req, err := c.request(declared.Values{Target: target, Found: other, Key: other, Note: other, Params: map[string]string{"mode": other}})
			if err != nil {
				continue
			}
			u, err := url.Parse(c.host.rest.Base + req.Path)
			if err != nil || u.Host != o.host() || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Count(req.Path, "/") != 3 {
				t.Fatalf("%q calls %q, %v", target, c.host.rest.Base+req.Path, err)
			}
			if got := path.Clean(u.Path); !strings.HasPrefix(got, "/v1/blocks/") && !strings.HasPrefix(got, "/v1/users/") {
				t.Fatalf("%q climbs to %q", target, got)
			}
			for _, values := range req.Header {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
					t.Fatalf("%q is in a header", other)
				}
			}
		}
	})
}
