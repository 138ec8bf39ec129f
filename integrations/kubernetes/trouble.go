package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// refusal is an answer that is no success, without the server's own words: they repeat
// what was sent, and webhooks of anybody's making add to them.
type refusal struct {
	step   string
	code   int32
	reason metav1.StatusReason // of the API's closed list
}

func (r *refusal) Error() string {
	if r.reason == "" {
		return fmt.Sprintf("%s: Kubernetes answered %d", r.step, r.code)
	}
	return fmt.Sprintf("%s: Kubernetes answered %d (%s)", r.step, r.code, r.reason)
}

// reasons are the words that may be repeated; the field is the server's to fill.
var reasons = map[metav1.StatusReason]bool{
	metav1.StatusReasonNotFound: true, metav1.StatusReasonAlreadyExists: true, metav1.StatusReasonConflict: true, metav1.StatusReasonGone: true,
	metav1.StatusReasonInvalid: true, metav1.StatusReasonServerTimeout: true, metav1.StatusReasonTimeout: true, metav1.StatusReasonTooManyRequests: true,
	metav1.StatusReasonBadRequest: true, metav1.StatusReasonMethodNotAllowed: true, metav1.StatusReasonInternalError: true,
	metav1.StatusReasonExpired: true, metav1.StatusReasonServiceUnavailable: true,
}

// trouble says what an error of a call means to whoever asked: the context's own error;
// *actions.MissingRight; incident.Later for 429 and what the server wants asked again;
// incident.GiveUp for other 4xx but 404, 409 and 410, which the callers understand.
func (q call) trouble(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: Kubernetes did not answer in time: %w", q.step, ctx.Err())
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return fmt.Errorf("%s: Kubernetes cannot be reached", q.step)
	}
	s := status.Status()
	r := &refusal{step: q.step, code: s.Code}
	if reasons[s.Reason] {
		r.reason = s.Reason
	}
	switch {
	case s.Code == http.StatusUnauthorized:
		return &actions.MissingRight{Right: "a valid token for Kubernetes", To: q.step}
	case s.Code == http.StatusForbidden:
		return q.forbidden(r, s.Message)
	case s.Code == http.StatusTooManyRequests, s.Code == http.StatusServiceUnavailable && waitOf(err) > 0:
		return incident.Later(r, max(waitOf(err), time.Second))
	case s.Code >= 500, s.Code == http.StatusRequestTimeout, isStatus(r, http.StatusNotFound, http.StatusConflict, http.StatusGone):
		return r
	}
	return incident.GiveUp(r)
}

// forbidden tells the three kinds of 403 apart by the words that the API server puts first:
// RBAC's "User … cannot patch resource …", the guard against granting what one has not
// ("attempting to grant"), and everything an admission rule or a quota has to say.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
func (q call) forbidden(r *refusal, message string) error {
	switch {
	case strings.Contains(message, " attempting to grant RBAC permissions "):
		return &actions.MissingRight{Right: rightBind, To: q.step}
	case strings.Contains(message, " cannot "+q.verb+" resource "), q.of.name == "" && strings.Contains(message, " cannot "):
		return &actions.MissingRight{Right: q.of.right(q.verb, q.sub), To: q.step}
	}
	r.reason = "Forbidden"
	return incident.GiveUp(fmt.Errorf("%w, by an admission rule or a quota of the cluster", r))
}

// rightBind is what giving a binding its subject back takes.
const rightBind = "bind clusterroles.rbac.authorization.k8s.io"

func waitOf(err error) time.Duration {
	s, ok := apierrors.SuggestsClientDelay(err)
	if !ok {
		return 0
	}
	return min(time.Duration(s)*time.Second, time.Hour)
}

func isStatus(err error, codes ...int32) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, c := range codes {
		if r.code == c {
			return true
		}
	}
	return false
}

func notFound(err error) bool { return isStatus(err, http.StatusNotFound, http.StatusGone) }

// moved is what the API server would answer to a write of something that changed since.
func moved(step string) error {
	return &refusal{step: step, code: http.StatusConflict, reason: metav1.StatusReasonConflict}
}
