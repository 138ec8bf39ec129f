package pagerduty

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxHook       = 1 << 20                 // bytes of a webhook; PagerDuty's own are under 256 KB
	hookPatience  = 4500 * time.Millisecond // PagerDuty waits 5 s and then sends it again
	maxSignatures = 20                      // looked at in one header
	maxHookID     = 200                     // bytes
)

// Hear takes what a webhook said. id is the same for every delivery of one webhook,
// so that a repeat is answered from the record. fresh is there for an incident that
// was triggered by somebody else than Tocsin, with what is needed to declare one.
// An error makes PagerDuty send it again; a *incident.Refusal does not.
type Hear func(ctx context.Context, id incident.CommandID, said incident.VendorSaid, fresh *Fresh) error

// Fresh is a PagerDuty incident that Tocsin did not make.
type Fresh struct {
	Incident    string // PagerDuty's id
	Title       string // at most incident.MaxTitle runes
	Service     string // id
	ServiceName string
	Policy      string // escalation policy id
	Priority    string // name, "" for none
	Urgency     string // high or low
	URL         string
	Created     time.Time
	Assigned    []incident.Person
}

// Hook hears PagerDuty's webhooks v3. Nothing of a request is looked into before its
// signature has been found good. It answers 2xx once hear has returned without an
// error, 5xx when it has not, and 401 to whoever cannot sign.
func (p *Pager) Hook(hear Hear) http.Handler {
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
			// 4xx would make PagerDuty drop it; what was cut off on the way is to come again.
			http.Error(w, "the body could not be read", http.StatusServiceUnavailable)
			return
		}
		if !p.signed(body, r.Header.Values("X-PagerDuty-Signature")) {
			http.Error(w, "the signature is missing or wrong", http.StatusUnauthorized)
			return
		}
		var in envelope
		if json.Unmarshal(body, &in) != nil || in.Event.Type == "" {
			http.Error(w, "not a webhook v3", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), hookPatience)
		defer cancel()
		if err := p.heard(ctx, hookID(r, in.Event.ID, body), in.Event, hear); err != nil {
			// What went wrong inside is no business of the sender's.
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// heard hands one event on. A ping is answered and forgotten.
func (p *Pager) heard(ctx context.Context, id incident.CommandID, e event3, hear Hear) error {
	if e.Type == "pagey.ping" {
		return nil
	}
	said, fresh := p.translate(ctx, e)
	err := hear(ctx, id, said, fresh)
	var no *incident.Refusal
	if errors.As(err, &no) {
		return nil // the rules said no; asking again gives the same answer
	}
	return err
}

// signed reports whether one of the signatures was made with one of the secrets.
// While a secret is rotated there are several of each. Every pair is compared, in
// constant time.
func (p *Pager) signed(body []byte, headers []string) bool {
	var given [][]byte
	for _, h := range headers {
		for part := range strings.SplitSeq(h, ",") {
			v, ok := strings.CutPrefix(strings.TrimSpace(part), "v1=")
			sum, err := hex.DecodeString(v)
			if ok && err == nil && len(sum) == sha256.Size && len(given) < maxSignatures {
				given = append(given, sum)
			}
		}
	}
	good := false
	for _, secret := range p.conf.WebhookSecrets {
		if secret == "" {
			continue // anybody can sign with nothing
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, sum := range given {
			good = hmac.Equal(sum, want) || good
		}
	}
	return good
}

// hookID names the webhook: by PagerDuty's id of it, of the event, or by its bytes.
// The header is not signed, so a replay under another header is told apart by the
// event's id, which is: that one comes first.
func hookID(r *http.Request, eventID string, body []byte) incident.CommandID {
	for _, id := range []string{eventID, r.Header.Get("X-Webhook-Id")} {
		if id != "" && len(id) <= maxHookID {
			return incident.CommandID("pdw:" + id)
		}
	}
	sum := sha256.Sum256(body)
	return incident.CommandID("pdw:" + hex.EncodeToString(sum[:]))
}
