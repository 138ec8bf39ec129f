package pagerduty

// Method is an endpoint and the rules it enforces, for the documentation.
type Method struct {
	Name  string   `json:"name"` // verb and path, as Faults names it
	Rules []string `json:"rules"`
}

const (
	ruleFrom  = "From must be the e-mail of a user (400, code 2001 when missing, 1008 when unknown); a user-level key may leave it out"
	rule404   = "an unknown id is 404, code 2100"
	rulePages = "limit (at most 100), offset, more, total; offset + limit over 10,000 is 400"
)

// CommonRules hold for every REST endpoint.
func CommonRules() []string {
	return []string{
		"a missing or unknown token is 401, code 2006",
		"an Accept header naming vnd.pagerduty+json must say version=2 (406)",
		"960 requests a minute per key, with ratelimit-limit, -remaining and -reset; above that 429, code 2020",
		"a body over 1 MiB is 413; a body that is not JSON is 400, code 2001",
		"an unknown path is 404, a known path with another verb 405",
	}
}

// Methods lists every endpoint.
func Methods() []Method {
	return []Method{
		{"POST /v2/enqueue", []string{
			"trigger, acknowledge, resolve; dedup_key required unless trigger, at most 255 characters",
			"payload.summary required, at most 1,024 characters; payload.source required; payload.severity one of critical, error, warning, info",
			"links need href, images need src; payload.timestamp must be ISO 8601",
			"routing_key must have 32 characters and belong to a service (400)",
			"a request over 512 KB is 413; 120 calls a minute per integration key, above that 429",
			"a trigger with the key of an open alert merges; after a resolve it opens a new incident; acknowledge and resolve of an unknown key are accepted and dropped",
			"without a dedup_key one is made",
		}},
		{"GET /incidents", []string{rulePages, "statuses[], service_ids[], urgencies[], user_ids[], incident_key (also the keys of alerts), since, until, date_range=all, sort_by"}},
		{"POST /incidents", []string{ruleFrom, "type, title and service required; title at most 1,024, incident_key at most 255 characters",
			"an incident_key already open on the service is 400, code 2002", "priority null is 400; unknown priority, policy or assignee is 400",
			"assignments and escalation_policy exclude each other"}},
		{"PUT /incidents", []string{ruleFrom, "at most 250 incidents (413); one refusal refuses all"}},
		{"GET /incidents/{id}", []string{rule404}},
		{"PUT /incidents/{id}", []string{ruleFrom, rule404, "type required; status triggered, acknowledged or resolved",
			"acknowledging, resolving or moving a resolved incident is 400, code 1001", "escalation_level must exist; priority null is 400"}},
		{"GET /incidents/{id}/alerts", []string{rule404, rulePages}},
		{"GET /incidents/{id}/notes", []string{rule404}},
		{"POST /incidents/{id}/notes", []string{ruleFrom, rule404, "content required; at most 2,000 notes an incident (400)"}},
		{"POST /incidents/{id}/status_updates", []string{ruleFrom, rule404, "message required"}},
		{"POST /incidents/{id}/responder_requests", []string{ruleFrom, rule404, "402 without the ability coordinated_responding",
			"requester_id, message and targets required and known; a resolved incident is 400"}},
		{"GET /incidents/{id}/log_entries", []string{rule404, rulePages, "since, until, is_overview"}},
		{"GET /log_entries", []string{rulePages, "since, until, is_overview"}},
		{"GET /log_entries/{id}", []string{rule404}},
		{"GET /priorities", []string{rulePages}},
		{"GET /escalation_policies", []string{rulePages, "query"}},
		{"GET /escalation_policies/{id}", []string{rule404}},
		{"GET /oncalls", []string{rulePages, "escalation_policy_ids[], schedule_ids[], user_ids[], earliest, include[]=users; answers for this moment only"}},
		{"GET /users", []string{rulePages, "query, include[]=contact_methods"}},
		{"GET /users/me", []string{"an account-level key is 400"}},
		{"GET /users/{id}", []string{rule404, "include[]=contact_methods"}},
		{"GET /users/{id}/contact_methods", []string{rule404}},
		{"GET /services", []string{rulePages, "query"}},
		{"GET /services/{id}", []string{rule404}},
		{"GET /schedules", []string{rulePages, "query"}},
		{"GET /schedules/{id}", []string{rule404}},
		{"GET /abilities", []string{"what SetAbility took away is not listed"}},
		{"GET /webhook_subscriptions", []string{rulePages, "filter_type, filter_id; secrets and header values are never shown again"}},
		{"POST /webhook_subscriptions", []string{"type, http_delivery_method, an http(s) URL, known event types and an existing filter required",
			"the secret is shown in this answer only; header names must be unique"}},
		{"GET /webhook_subscriptions/{id}", []string{rule404}},
		{"DELETE /webhook_subscriptions/{id}", []string{rule404}},
		{"POST /webhook_subscriptions/{id}/enable", []string{rule404, "ends a disablement at once"}},
		{"POST /webhook_subscriptions/{id}/ping", []string{rule404, "sends pagey.ping"}},
	}
}

// WebhookRules hold for every delivery.
func WebhookRules() []string {
	return []string{
		"signed: X-PagerDuty-Signature has v1=<hex HMAC-SHA256> for each secret, several while one is rotated",
		"X-Webhook-Id stays the same over attempts; X-Webhook-Subscription names the subscription",
		"no answer in 5 s, 429 and 5xx are tried again with growing waits for up to 48 hours; any other answer but 2xx drops the webhook",
		"three drops in a row disable the subscription for 24 hours and empty its queue",
		"the webhooks of one incident arrive in order; at most 4,000 wait; over 256 KB is dropped",
		"escalation rules, repeats and acknowledgement time-outs follow the account's clock",
	}
}
