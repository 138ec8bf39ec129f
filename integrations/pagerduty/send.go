package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/tocsin-ir/tocsin/incident"
)

// trigger makes PagerDuty page: through the policy of the rung, its service, or
// straight to the users given. The effect's id is the key, so a second trigger of the
// same effect finds the first.
func (p *Pager) trigger(ctx context.Context, t incident.Task, rung incident.Rung, direct []string) (incident.VendorRef, error) {
	key := string(t.ID)
	if t.Attempt > 1 && p.conf.APIToken != "" {
		// An event sent again after PagerDuty's incident was resolved would page again.
		ref, ok, err := p.findByKey(ctx, key, t.Rank)
		if ok {
			return ref, nil
		}
		if err != nil && rung.Service == "" {
			return incident.VendorRef{}, err
		}
	}
	if rung.Policy == "" && len(direct) == 0 {
		return p.triggerEvent(ctx, t, rung, key)
	}
	return p.triggerREST(ctx, t, rung, key, direct)
}

func (p *Pager) triggerEvent(ctx context.Context, t incident.Task, rung incident.Rung, key string) (incident.VendorRef, error) {
	routing, ok := p.conf.Services[rung.Service]
	if !ok {
		return incident.VendorRef{}, wrong("page through a service",
			"The plan names the PagerDuty service "+quote(rung.Service)+", for which no integration key is configured.")
	}
	err := p.call(ctx, t.Rank, CostEvents+rung.Service, "page through a service", func(c *pd.Client) error {
		_, err := c.ManageEventWithContext(ctx, event(t, string(routing), key))
		return err
	})
	var bad *trouble
	if errors.As(err, &bad) && bad.status == http.StatusAccepted {
		err = nil // accepted; only the answer's body was unreadable
	}
	if err != nil {
		return incident.VendorRef{}, err
	}
	ref := incident.VendorRef{Vendor: Vendor, Key: key}
	if p.conf.APIToken == "" {
		return ref, nil
	}
	return p.awaitIncident(ctx, ref, t.Rank), nil
}

// awaitIncident looks for the incident an accepted event opens, so that webhooks can
// be told apart. The page has gone out: not finding it is no error.
func (p *Pager) awaitIncident(ctx context.Context, ref incident.VendorRef, rank incident.Rank) incident.VendorRef {
	ctx, cancel := context.WithTimeout(ctx, p.wait.find)
	defer cancel()
	for {
		got, ok, err := p.findByKey(ctx, ref.Key, rank)
		if ok {
			return got
		}
		if err != nil {
			return ref
		}
		select {
		case <-ctx.Done():
			return ref
		case <-time.After(p.wait.pause):
		}
	}
}

// findByKey finds the incident of a key, an open one first.
func (p *Pager) findByKey(ctx context.Context, key string, rank incident.Rank) (incident.VendorRef, bool, error) {
	var got *pd.ListIncidentsResponse
	err := p.call(ctx, rank, CostREST, "look for the page sent before", func(c *pd.Client) (err error) {
		got, err = c.ListIncidentsWithContext(ctx, pd.ListIncidentsOptions{IncidentKey: key, Limit: 10})
		return err
	})
	if err != nil || len(got.Incidents) == 0 {
		return incident.VendorRef{}, false, err
	}
	in := got.Incidents[0]
	if i := slices.IndexFunc(got.Incidents, func(in pd.Incident) bool { return in.Status != "resolved" }); i > 0 {
		in = got.Incidents[i]
	}
	return incident.VendorRef{Vendor: Vendor, Incident: in.ID, Key: key, URL: in.HTMLURL}, true, nil
}

// creation is POST /incidents. The SDK's own type sends "priority":null when there is
// none, which the schema forbids.
type creation struct {
	Type             string               `json:"type"`
	Title            string               `json:"title"`
	Service          *pd.APIReference     `json:"service"`
	Priority         *pd.APIReference     `json:"priority,omitempty"`
	Urgency          string               `json:"urgency,omitempty"`
	IncidentKey      string               `json:"incident_key"`
	Body             *pd.APIDetails       `json:"body,omitempty"`
	EscalationPolicy *pd.APIReference     `json:"escalation_policy,omitempty"`
	Assignments      []pd.Assignee        `json:"assignments,omitempty"`
	ConferenceBridge *pd.ConferenceBridge `json:"conference_bridge,omitempty"`
}

func (p *Pager) triggerREST(ctx context.Context, t incident.Task, rung incident.Rung, key string, direct []string) (incident.VendorRef, error) {
	const step = "page through the policy"
	if p.conf.APIToken == "" {
		return incident.VendorRef{}, wrong(step,
			"The rung names an escalation policy, which needs a PagerDuty API token in the configuration.")
	}
	if p.conf.From == "" {
		return incident.VendorRef{}, wrong(step,
			"The rung names an escalation policy, which needs the From address of a PagerDuty user in the configuration.")
	}
	service, err := p.serviceFor(ctx, rung, t.Rank)
	if err != nil {
		return incident.VendorRef{}, err
	}
	in := creation{Type: "incident", Title: summary(t), Service: &pd.APIReference{ID: service, Type: "service_reference"},
		Urgency: urgency(rung.Urgency), IncidentKey: key, Body: &pd.APIDetails{Type: "incident_body", Details: detailsText(t)}}
	if len(direct) == 0 {
		in.EscalationPolicy = &pd.APIReference{ID: rung.Policy, Type: "escalation_policy_reference"}
	}
	for _, id := range direct {
		in.Assignments = append(in.Assignments, pd.Assignee{Assignee: pd.APIObject{ID: id, Type: "user_reference"}})
	}
	// A page without its priority is better than no page: trouble here is let pass.
	if id, err := p.priorityID(ctx, p.priorityName(rung, t.State.Severity), t.Rank); err == nil && id != "" {
		in.Priority = &pd.APIReference{ID: id, Type: "priority_reference"}
	}
	if url := t.State.Room.URL; url != "" {
		in.ConferenceBridge = &pd.ConferenceBridge{ConferenceURL: url}
	}
	var made pd.Incident
	err = p.call(ctx, t.Rank, CostCreate, step, func(c *pd.Client) (err error) {
		made, err = p.create(ctx, c, in)
		return err
	})
	var bad *trouble
	if errors.As(err, &bad) && bad.status == http.StatusBadRequest {
		// A repeated key is a 400, not the incident: look before believing it.
		if ref, ok, _ := p.findByKey(ctx, key, t.Rank); ok {
			return ref, nil
		}
	}
	if err != nil {
		return incident.VendorRef{}, err
	}
	return incident.VendorRef{Vendor: Vendor, Incident: made.ID, Key: key, URL: made.HTMLURL}, nil
}

func (p *Pager) create(ctx context.Context, c *pd.Client, in creation) (pd.Incident, error) {
	body, err := json.Marshal(map[string]creation{"incident": in})
	if err != nil {
		return pd.Incident{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.conf.BaseURL+"/incidents", bytes.NewReader(body))
	if err != nil {
		return pd.Incident{}, err
	}
	req.Header.Set("From", p.conf.From)
	resp, err := c.Do(req, true)
	if err != nil {
		return pd.Incident{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return pd.Incident{}, err
	}
	if resp.StatusCode/100 != 2 {
		e := pd.APIError{StatusCode: resp.StatusCode}
		if json.Unmarshal(got, &e) != nil {
			return pd.Incident{}, pd.APIError{StatusCode: resp.StatusCode}
		}
		return pd.Incident{}, e
	}
	var made struct {
		Incident pd.Incident `json:"incident"`
	}
	if err := json.Unmarshal(got, &made); err != nil {
		return pd.Incident{}, err
	}
	if made.Incident.ID == "" {
		return pd.Incident{}, errors.New("no incident in the answer")
	}
	return made.Incident, nil
}

// serviceFor is the service an incident is made on: the configured one, or the first
// that uses the policy, remembered.
func (p *Pager) serviceFor(ctx context.Context, rung incident.Rung, rank incident.Rank) (string, error) {
	if p.conf.RESTService != "" {
		return p.conf.RESTService, nil
	}
	const step = "find a service of the escalation policy"
	var id string
	if at, ok := p.recall(ctx, spaceService, rung.Policy, &id); ok && p.conf.Clock.Now().Sub(at) < 24*time.Hour {
		return id, nil
	}
	if !isID(rung.Policy) {
		return "", wrong(step, "The plan's policy is not a PagerDuty id: it looks like PABC123.")
	}
	var got *pd.EscalationPolicy
	err := p.call(ctx, rank, CostREST, step, func(c *pd.Client) (err error) {
		got, err = c.GetEscalationPolicyWithContext(ctx, rung.Policy, nil)
		return err
	})
	if err != nil {
		var t *trouble
		if id != "" && errors.As(err, &t) && t.passing() {
			return id, nil // yesterday's knowledge
		}
		return "", err
	}
	if len(got.Services) == 0 {
		return "", wrong(step,
			"No PagerDuty service uses this escalation policy: name a service for incidents in the configuration.")
	}
	p.remember(ctx, spaceService, rung.Policy, got.Services[0].ID)
	return got.Services[0].ID, nil
}

func (p *Pager) priorityName(rung incident.Rung, s incident.Severity) string {
	if rung.Priority != "" {
		return rung.Priority
	}
	if name, ok := p.conf.Priorities[s]; ok {
		return name
	}
	return s.String()
}

// priorityID finds a priority by its name, case aside; "" when there is none of that
// name. What was found is remembered for a day.
func (p *Pager) priorityID(ctx context.Context, name string, rank incident.Rank) (string, error) {
	if name == "" {
		return "", nil
	}
	byName := map[string]string{}
	at, ok := p.recall(ctx, spacePriority, "all", &byName)
	if id := byName[strings.ToLower(name)]; ok && id != "" && p.conf.Clock.Now().Sub(at) < 24*time.Hour {
		return id, nil
	}
	asking, cancel := context.WithTimeout(ctx, p.wait.onCall)
	defer cancel()
	var got *pd.ListPrioritiesResponse
	err := p.call(asking, rank, CostREST, "look up priorities", func(c *pd.Client) (err error) {
		got, err = c.ListPrioritiesWithContext(asking, pd.ListPrioritiesOptions{Limit: 100})
		return err
	})
	if err != nil {
		return byName[strings.ToLower(name)], err
	}
	byName = map[string]string{}
	for _, one := range got.Priorities {
		byName[strings.ToLower(one.Name)] = one.ID
	}
	p.remember(ctx, spacePriority, "all", byName)
	return byName[strings.ToLower(name)], nil
}
