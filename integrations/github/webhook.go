package github

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxHook      = 4 << 20         // bytes of a webhook that are read
	hookPatience = 9 * time.Second // GitHub waits 10 s and does not send it again by itself
)

// IssueEvent is what somebody did to an issue.
type IssueEvent struct {
	Repo      string // owner/name
	Number    int
	Action    string // closed, reopened, assigned, unassigned, edited
	Actor     string // login
	Assignees []string
	// Due is the day, at midnight UTC, in the row of the body that says when it is due;
	// zero where the body was not changed or names none.
	Due time.Time
	// Own says that whoever opened the issue did it. Issues of ours are opened by us.
	Own bool
}

// Hear takes an IssueEvent. id is the same for every delivery of it.
type Hear func(ctx context.Context, id incident.CommandID, e IssueEvent) error

// Hook hears GitHub's webhooks about issues; events of other kinds are answered and
// forgotten. Nothing of a request is looked into before its signature has been found
// good. 5xx says that hear failed; a *incident.Refusal is an answer, not a failure.
func (p *Publisher) Hook(hear Hear) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the body could not be read", http.StatusRequestTimeout)
			return
		}
		if !p.signed(body, r.Header.Get("X-Hub-Signature-256")) {
			http.Error(w, "the signature is missing or wrong", http.StatusUnauthorized)
			return
		}
		if r.Header.Get("X-GitHub-Event") != "issues" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		e, ok := parse(body)
		if !ok {
			http.Error(w, "not a webhook about an issue; its content type must be application/json", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), hookPatience)
		defer cancel()
		if slices.Contains([]string{"closed", "reopened", "assigned", "unassigned"}, e.Action) || !e.Due.IsZero() {
			// The delivery's id is not signed, the body is: it names the event.
			sum := sha256.Sum256(body)
			err = hear(ctx, incident.CommandID("ghw:"+hex.EncodeToString(sum[:])), e)
		}
		var no *incident.Refusal
		if err != nil && !errors.As(err, &no) {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// signed compares with every secret, in constant time.
func (p *Publisher) signed(body []byte, header string) bool {
	v, ok := strings.CutPrefix(strings.TrimSpace(header), "sha256=")
	sum, err := hex.DecodeString(v)
	if !ok || err != nil {
		return false
	}
	good := false
	for _, secret := range p.conf.WebhookSecret {
		if secret == "" {
			continue // anybody can sign with nothing
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		good = hmac.Equal(sum, mac.Sum(nil)) || good
	}
	return good
}

func parse(body []byte) (IssueEvent, bool) {
	type login struct {
		Login string `json:"login"`
	}
	var in struct {
		Action string `json:"action"`
		Issue  struct {
			Number    int     `json:"number"`
			Assignees []login `json:"assignees"`
			User      login   `json:"user"`
			Body      string  `json:"body"`
		} `json:"issue"`
		Changes struct {
			Body *struct{} `json:"body"`
		} `json:"changes"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
		Sender login `json:"sender"`
	}
	if json.Unmarshal(body, &in) != nil || in.Issue.Number < 1 || in.Repository.FullName == "" {
		return IssueEvent{}, false
	}
	e := IssueEvent{Repo: cut(in.Repository.FullName, 250), Number: in.Issue.Number, Action: cut(in.Action, 50), Actor: cut(in.Sender.Login, 100)}
	e.Own = e.Actor != "" && strings.EqualFold(in.Issue.User.Login, in.Sender.Login)
	for _, a := range in.Issue.Assignees {
		if len(e.Assignees) < 20 {
			e.Assignees = append(e.Assignees, cut(a.Login, 100))
		}
	}
	if e.Action == "edited" && in.Changes.Body != nil {
		e.Due = dueIn(in.Issue.Body)
	}
	return e, true
}

// dueRow is the row of an action item's table, or the line of its list, that names the
// day. What people wrote stands above it, and cannot begin a line like this: a bar in
// it is escaped.
var dueRow = regexp.MustCompile(`(?m)^(?:\|[ \t]*Due[ \t]*\||- Due:)[ \t]*([0-9]{4}-[0-9]{2}-[0-9]{2})[ \t]*\|?[ \t]*\r?$`)

// dueIn is the day an issue's body names, the last if there are several.
func dueIn(body string) time.Time {
	rows := dueRow.FindAllStringSubmatch(body, -1)
	if len(rows) == 0 {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, rows[len(rows)-1][1])
	if err != nil {
		return time.Time{} // the 31st of February
	}
	return day
}
