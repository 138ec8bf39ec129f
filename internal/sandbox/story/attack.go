package story

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// attackForms list what only an attacker does.
func attackForms() []form {
	return []form{
		deed("<who> of another workspace joins <channel> [with address <address>]", "somebody unknown here, through a shared channel; their own workspace gives them any address", fromOutside),
		deed("<who> becomes a guest of one channel", "an administrator restricts the account", func(_ context.Context, p *Player, a args) error {
			return p.change(a["who"], func(u *slack.User) { u.Guest, u.Single = true, true })
		}),
		deed("<who> calls themselves <text>", "another display name, as anybody may take", func(_ context.Context, p *Player, a args) error {
			user, err := p.person(a["who"])
			if err == nil {
				p.World.Slack.Rename(user, a["text"])
			}
			return err
		}),
		deed("<who> forges click <text-value> [in <channel>] [answered elsewhere]",
			"a signed press of a button that was never shown, with that value; answered elsewhere: its response_url is the attacker's own", forgesClick),
		deed("<who> forges form <name> with metadata <text-metadata> [and <text-fields>]",
			"a signed submission of a form that was never opened; the fields are JSON: {\"block\": \"text\"}", forgesForm),
		never("nobody elsewhere hears anything", "the attacker's own server was not called", func(p *Player, _ args) error {
			return holdsIf(p.elsewhere.calls.Load() == 0, "the attacker was called")
		}),
		never("github issue <repo> <title> source lacks <text>", "not in the Markdown that was sent: what is rendered may read so, and a title is never rendered", onIssue(func(i github.Issue, a args) error {
			return holdsIf(!strings.Contains(i.Body, a["text"]), "it was sent\n"+indent(i.Body))
		})),
		deed("somebody posts <n> bytes to <path> forged|signed|gzipped", "a request of that size; gzipped: signed, and small until it is inflated", postsMany),
		deed("somebody opens <n> connections and says nothing", "they stay open, half a request said, until the story is over", slowly),
		deed("somebody replays it", "the last posted request, byte for byte, within Slack's five minutes", func(ctx context.Context, p *Player, _ args) error {
			if p.posted.url == "" {
				return errors.New("nothing was posted yet")
			}
			return p.postOnce(ctx, p.posted.url, p.posted.body, p.posted.header)
		}),
		never("tocsin does not ring <who> in <channel>", "no message of the app's there mentions them: it may name them", notRung),
		never("they are told nothing", "the answer to the last posted request was empty", func(p *Player, _ args) error {
			return holdsIf(strings.TrimSpace(p.told) == "", "the answer was "+p.told)
		}),
	}
}

// elsewhere is a server of the attacker's own.
type elsewhere struct {
	server *httptest.Server
	calls  atomic.Int64
	idle   []net.Conn
}

// address starts the server where it does not run yet.
func (e *elsewhere) address() string {
	if e.server == nil {
		e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			e.calls.Add(1)
			w.WriteHeader(http.StatusOK)
		}))
	}
	return e.server.URL
}

func (e *elsewhere) close() {
	for _, c := range e.idle {
		_ = c.Close()
	}
	if e.server != nil {
		e.server.Close()
	}
}

func fromOutside(_ context.Context, p *Player, a args) error {
	c, err := p.room(a["channel"])
	if err != nil {
		return err
	}
	address := a["who"] + "@elsewhere.example"
	if a.has("address") {
		address = a["address"]
	}
	_, err = p.World.Slack.JoinFromOutside(c.ID, slack.User{Name: a["who"], RealName: strings.ToUpper(a["who"][:1]) + a["who"][1:] + " Outsider",
		Email: address, TeamID: "T0ELSEWHERE"})
	return err
}

func notRung(p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	c, err := p.room(a["channel"])
	if err != nil {
		return err
	}
	for _, m := range p.messagesOf(c) {
		// JSON writes < as \u003c
		said := m.Text + strings.ReplaceAll(string(m.Blocks), `\u003c`, "<")
		if m.User == p.bot() && m.Subtype == "" && strings.Contains(said, "<@"+user) {
			return fmt.Errorf("there is%s", last([]sight{{"", said}}, 1))
		}
	}
	return nil
}

func (p *Player) change(name string, how func(*slack.User)) error {
	user, err := p.person(name)
	if err != nil {
		return err
	}
	for _, u := range p.World.Slack.Users() {
		if u.ID == user {
			how(&u)
			p.World.Slack.AddUser(u)
		}
	}
	return nil
}

func forgesClick(ctx context.Context, p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	f := slack.Forgery{User: user, Value: a["text-value"], Channel: p.place(user)}
	if pattern, ok := a["channel"]; ok {
		c, err := p.room(pattern) // the attacker need not see it
		if err != nil {
			return err
		}
		f.Channel = c.ID
	}
	if a.has("answered") {
		f.ResponseURL = p.elsewhere.address() + "/response/stolen"
	}
	_, err = p.World.Slack.Forge(ctx, f)
	return err
}

func forgesForm(ctx context.Context, p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	f := slack.Forgery{User: user, CallbackID: a["name"], Metadata: a["text-metadata"], State: map[string]map[string]string{}}
	if fields, ok := a["text-fields"]; ok {
		var list map[string]string
		if err := json.Unmarshal([]byte(fields), &list); err != nil {
			return fmt.Errorf("read the fields: %w", err)
		}
		for block, text := range list {
			f.State[block] = map[string]string{"v": text}
		}
	}
	p.told, err = p.World.Slack.Forge(ctx, f)
	return err
}

// postsMany sends a request that is all padding. A door may answer before it has read
// everything, so a connection that is cut then is tried again.
func postsMany(ctx context.Context, p *Player, a args) error {
	base := p.World.App()
	if base == "" {
		return errors.New("the world was not connected to the app")
	}
	n := int64(a.number("n", 0))
	var small []byte
	if a["forged"] == "gzipped" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := io.CopyN(z, padding{}, n); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		small = b.Bytes()
	}
	var err error
	for range 3 {
		if err = p.postMany(ctx, base, a, n, small); err == nil {
			return nil
		}
	}
	return fmt.Errorf("post %d bytes to %s: %w", n, a["path"], err)
}

func (p *Player) postMany(ctx context.Context, base string, a args, n int64, small []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	body := io.LimitReader(padding{}, n)
	how, signedOver := a["forged"], ""
	switch {
	case small != nil:
		body, signedOver, how = bytes.NewReader(small), string(small), "signed"
	case how == "signed":
		signedOver = strings.Repeat(" ", int(n))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+a["path"], body)
	if err != nil {
		return err
	}
	req.Header = p.signature(a["path"], signedOver, how)
	if small != nil {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	p.answered = resp.StatusCode
	return resp.Body.Close()
}

// padding is blanks without end.
type padding struct{}

func (padding) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// slowly opens connections that hold a door open and never finish a request.
func slowly(ctx context.Context, p *Player, a args) error {
	u, err := url.Parse(p.World.App())
	if err != nil || u.Host == "" {
		return errors.New("the world was not connected to the app")
	}
	var d net.Dialer
	for range a.number("n", 1) {
		c, err := d.DialContext(ctx, "tcp", u.Host)
		if err != nil {
			return fmt.Errorf("open a connection: %w", err)
		}
		p.elsewhere.idle = append(p.elsewhere.idle, c)
		if _, err := io.WriteString(c, "POST /slack/command HTTP/1.1\r\nHost: tocsin\r\nContent-Le"); err != nil {
			return fmt.Errorf("say half a request: %w", err)
		}
	}
	return nil
}
