package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// Evidence keeps the contents of files, in the folder of a case. What it returns, as
// JSON, is all that is needed to read the content again, its key included; ErrTooLarge
// says that there were more than limit bytes.
type Evidence interface {
	Keep(ctx context.Context, of string, r io.Reader, limit int64) (receipt json.RawMessage, err error)
}

// ErrTooLarge says that a file has more bytes than are kept.
var ErrTooLarge = errors.New("larger than the limit")

const (
	downloads   = 2               // at once; files must not crowd out the room
	maxDownload = 5 * time.Minute // for one file
)

// chatFile is a file as a message tells of it.
type chatFile struct {
	fileAbout
	Mode string `json:"mode"`
	URL  string `json:"url_private"`
}

// fileAbout is what is kept of a file beside what is in it.
type fileAbout struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"mimetype"`
	Size int64  `json:"size"` // bytes
}

// keptFile is what a FileKept line says: where the content is, or why it is not here.
type keptFile struct {
	ID   string          `json:"id"`
	Kept json.RawMessage `json:"kept,omitempty"`
	Why  string          `json:"why,omitempty"`
}

// keepFiles fetches what is in the files of a message, beside what else is done, and
// writes down where it is. What cannot be fetched for a reason that will last is
// written down too; anything else is tried again when history is compared.
func (s *Slack) keepFiles(ctx context.Context, stream incident.ID, channel string, m *chatMessage, late bool) {
	if s.c.Evidence == nil || m == nil {
		return
	}
	for _, f := range m.Files {
		if f.ID == "" || f.Mode == "tombstone" {
			continue
		}
		key := channel + "/" + m.TS + "/" + f.ID
		if _, already := s.fetched.LoadOrStore(key, true); already {
			continue // heard and filled in at once
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxDownload)
		s.busy.run(func() {
			defer cancel()
			defer s.fetched.Delete(key)
			select {
			case s.fetching <- struct{}{}:
				defer func() { <-s.fetching }()
			case <-ctx.Done():
				return
			}
			for {
				err := s.keepFile(ctx, stream, channel, m, f, late)
				if wait, later := incident.LaterBy(err); later && pause(ctx, wait) {
					continue
				}
				if err != nil {
					s.log.WarnContext(ctx, "content of a file not kept", "incident", stream, "file", f.ID, "err", err)
				}
				return
			}
		})
	}
}

func (s *Slack) keepFile(ctx context.Context, stream incident.ID, channel string, m *chatMessage, f chatFile, late bool) error {
	me, err := s.whoami(ctx)
	if err != nil {
		return err
	}
	c := m.line(incident.FileKept)
	c.Text, c.BackFilled, c.Name = incident.Sealed{}, late, "kept:"+m.TS+":"+f.ID
	if had, err := s.batch.to.IsCaptured(ctx, channel, c.Name); had || err != nil {
		return err
	}
	kept := keptFile{ID: f.ID}
	kept.Kept, err = s.fetch(ctx, stream, f)
	var no *notKept
	switch {
	case errors.As(err, &no):
		kept.Why, c.Name = no.why, "unkept:"+m.TS+":"+f.ID+":"+no.code
	case err != nil:
		return err
	}
	said, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	c.File = incident.Seal(string(said))
	_, err = s.batch.to.Capture(ctx, []incident.Captured{s.placed(c, stream, channel, me)})
	return err
}

// notKept is why a file's content cannot be had, however often it is tried.
type notKept struct{ code, why string }

func (e *notKept) Error() string { return e.why }

// fetch downloads a file with the bot token. The token goes to Slack's own hosts only:
// a message can name any address, and what is behind our firewall is nobody's file.
func (s *Slack) fetch(ctx context.Context, stream incident.ID, f chatFile) (json.RawMessage, error) {
	if !s.hosts(f.URL) {
		return nil, &notKept{"elsewhere", "it is not kept by Slack, or has no address"}
	}
	if f.Size > s.c.EvidenceLimit {
		return nil, s.tooLarge()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, &notKept{"elsewhere", "its address cannot be read"}
	}
	req.Header.Set("Authorization", "Bearer "+string(s.c.BotToken))
	client := *s.http
	client.Timeout = 0 // the context ends it
	// Slack sends whoever may not read a file to the page for signing in.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := s.budget.Take(ctx, "files.download", "", incident.RankRefresh); err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, errors.New("slack files.download: unreachable")
	}
	defer func() { _ = resp.Body.Close() }()
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests:
		wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		s.budget.Penalise(ctx, "files.download", "", max(noReply, time.Duration(wait)*time.Second))
		return nil, fmt.Errorf("slack files.download: http_%d", code)
	case code >= 300 && code < 400, code == http.StatusUnauthorized, code == http.StatusForbidden:
		return nil, &notKept{"forbidden", "Slack does not let the app read it; the app may lack the scope files:read"}
	case code == http.StatusNotFound, code == http.StatusGone:
		return nil, &notKept{"gone", "Slack has it no more"}
	case code != http.StatusOK:
		return nil, fmt.Errorf("slack files.download: http_%d", code)
	}
	receipt, err := s.c.Evidence.Keep(ctx, string(stream), resp.Body, s.c.EvidenceLimit)
	if errors.Is(err, ErrTooLarge) {
		return nil, s.tooLarge()
	}
	return receipt, err
}

func (s *Slack) tooLarge() error {
	return &notKept{"large", fmt.Sprintf("it has more than the %d bytes that are kept of a file", s.c.EvidenceLimit)}
}

// hosts says whether an address is one of Slack's: the host of the Web API, or
// files. before it. https://docs.slack.dev/reference/objects/file-object
func (s *Slack) hosts(address string) bool {
	base := s.c.API
	if base == "" {
		base = slack.APIURL
	}
	api, err := url.Parse(base)
	u, uerr := url.Parse(address)
	if err != nil || uerr != nil || u.Host == "" || u.User != nil || u.Scheme != api.Scheme {
		return false
	}
	host := strings.ToLower(u.Host)
	return host == api.Host || host == "files."+strings.TrimPrefix(api.Host, "www.")
}
