package pagerduty

import "context"

// KeyOf asks PagerDuty which of our keys opened an incident; "" when none of ours did.
// A webhook may come before the answer to the page it is about, and does not carry
// the key where the service makes alerts. sure is false when PagerDuty could not be
// asked, so that the webhook ought to come again.
func (p *Pager) KeyOf(ctx context.Context, incidentID string) (key string, sure bool) {
	return p.alertKey(ctx, incidentID)
}
