package pagerduty

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// Kinds are the event types that are understood. Any other is handed on as it is, to
// be recorded: PagerDuty adds types without asking.
var Kinds = []string{
	"incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.escalated",
	"incident.delegated", "incident.reassigned", "incident.reopened", "incident.resolved",
	"incident.annotated", "incident.priority_updated", "incident.responder.added", "incident.responder.replied",
	"incident.role.assigned", "incident.status_update_published", "incident.conference_bridge.updated",
}

type envelope struct {
	Event event3 `json:"event"`
}

// event3 is an event of webhooks v3. Data differs by type and is read leniently: a
// field of an unexpected shape costs that field only.
type event3 struct {
	ID    string          `json:"id"`
	Type  string          `json:"event_type"`
	Agent json.RawMessage `json:"agent"`
	Data  json.RawMessage `json:"data"`
}

type thing struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Summary string `json:"summary"`
	URL     string `json:"html_url"`
}

// fields are the fields of an object, each read on its own.
type fields map[string]json.RawMessage

func read[T any](f fields, name string) (v T) {
	if json.Unmarshal(f[name], &v) != nil {
		var zero T
		return zero
	}
	return v
}

// translate turns an event into a command, and a stranger's new incident into a Fresh.
func (p *Pager) translate(ctx context.Context, e event3) (incident.VendorSaid, *Fresh) {
	var f fields
	_ = json.Unmarshal(e.Data, &f) // no object, no fields
	var agent thing
	_ = json.Unmarshal(e.Agent, &agent)

	in := read[thing](f, "incident")
	if in.ID == "" && strings.HasPrefix(e.Type, "incident.") {
		in = thing{ID: read[string](f, "id"), URL: read[string](f, "html_url")}
	}
	said := incident.VendorSaid{
		Kind:   cut(e.Type, 100),
		Vendor: incident.VendorRef{Vendor: Vendor, Incident: cut(in.ID, 64), Key: cut(read[string](f, "incident_key"), 255), URL: webURL(in.URL)},
		Who:    p.who(agent), Text: cut(text(e.Type, f), incident.MaxText),
	}
	for _, t := range append(read[[]thing](f, "assignees"), read[thing](f, "user")) {
		if strings.HasPrefix(t.Type, "user") && t.ID != "" && len(said.People) < 100 {
			said.People = addPerson(said.People, p.person(cut(t.ID, 64), t.Summary, ""))
		}
	}
	if e.Type != "incident.triggered" {
		return said, nil
	}
	if _, ours := Stream(said.Vendor.Key); ours {
		return said, nil
	}
	key, sure := p.alertKey(ctx, in.ID)
	if key != "" {
		said.Vendor.Key = key
		return said, nil
	}
	if !sure && ourTitle.MatchString(said.Text) {
		return said, nil // PagerDuty cannot be asked, and it reads like a page of ours
	}
	return said, fresh(said, f)
}

func fresh(said incident.VendorSaid, f fields) *Fresh {
	service, policy := read[thing](f, "service"), read[thing](f, "escalation_policy")
	created, _ := time.Parse(time.RFC3339, read[string](f, "created_at")) // zero: not known
	return &Fresh{
		Incident: said.Vendor.Incident, URL: said.Vendor.URL, Title: cut(oneLine(read[string](f, "title")), incident.MaxTitle),
		Service: cut(service.ID, 64), ServiceName: cut(oneLine(service.Summary), incident.MaxName), Policy: cut(policy.ID, 64),
		Priority: cut(oneLine(read[thing](f, "priority").Summary), 100), Urgency: cut(read[string](f, "urgency"), 20),
		Created: created.UTC(), Assigned: said.People,
	}
}

// who is the person behind an agent; services and the account's own timers are the vendor.
func (p *Pager) who(agent thing) incident.Person {
	if !strings.HasPrefix(agent.Type, "user") || agent.ID == "" {
		return incident.Vendor(Vendor)
	}
	who := p.person(cut(agent.ID, 64), agent.Summary, "")
	if self := p.self.Load(); self != nil && *self == agent.ID && who.Slack == "" {
		return incident.Vendor(Vendor) // our own doing, come back as an echo
	}
	return who
}

// text is what an event says in words, by its type.
func text(kind string, f fields) string {
	switch kind {
	case "incident.annotated":
		return read[string](f, "content")
	case "incident.status_update_published":
		return read[string](f, "message")
	case "incident.responder.added", "incident.responder.replied":
		return join(": ", strings.TrimSpace(read[string](f, "state")), read[string](f, "message"))
	case "incident.priority_updated":
		return read[thing](f, "priority").Summary
	case "incident.delegated":
		return read[thing](f, "escalation_policy").Summary
	case "incident.role.assigned":
		role := read[thing](f, "role").Summary
		if role == "" {
			role = read[string](f, "role")
		}
		return role
	case "incident.conference_bridge.updated":
		return webURL(read[string](f, "conference_url"))
	case "incident.triggered":
		return read[string](f, "title")
	}
	return ""
}

func join(sep string, parts ...string) string {
	var have []string
	for _, s := range parts {
		if s != "" {
			have = append(have, s)
		}
	}
	return strings.Join(have, sep)
}

// webURL keeps addresses of the web and nothing else: "javascript:" makes a bad link.
func webURL(u string) string {
	if len(u) > 2000 || !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		return ""
	}
	return u
}

var effectKey = regexp.MustCompile(`^([A-Za-z]+-[0-9]{1,12})/[0-9]{1,12}/[0-9]{1,6}$`)

// Stream is the incident whose page made a key: "INC-0042" of "INC-0042/17/2". ours
// is false for the key of anybody else.
func Stream(key string) (id incident.ID, ours bool) {
	m := effectKey.FindStringSubmatch(key)
	if m == nil {
		return "", false
	}
	return incident.ID(m[1]), true
}

// ourTitle is how the summary of our pages begins.
var ourTitle = regexp.MustCompile(`^(DRILL )?\[[A-Za-z]+-[0-9]{1,12}\] `)

// alertKey looks whether a new incident was opened by an event of ours: its key, or ""
// when it was not. PagerDuty leaves the key out of the webhook when the service makes
// alerts, and the webhook may be faster than the answer to the page: without a look,
// Tocsin would declare an incident because of its own page. sure is false when
// PagerDuty could not be asked.
func (p *Pager) alertKey(ctx context.Context, id string) (key string, sure bool) {
	if p.conf.APIToken == "" || !isID(id) {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait.onCall)
	defer cancel()
	var got *pd.ListAlertsResponse
	err := p.call(ctx, incident.RankAct, CostREST, "look at a new incident's alerts", func(c *pd.Client) (err error) {
		got, err = c.ListIncidentAlertsWithContext(ctx, id, pd.ListIncidentAlertsOptions{Limit: 10})
		return err
	})
	if err != nil {
		return "", false
	}
	for _, a := range got.Alerts {
		if _, ours := Stream(a.AlertKey); ours {
			return a.AlertKey, true
		}
	}
	return "", true
}
