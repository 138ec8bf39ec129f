package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// patience is for one answer.
const patience = 20 * time.Second

// ask makes one call. to is what it is for, as in "disable the access key"; right is the
// IAM action that it needs, which also names the budget. Errors: *actions.MissingRight;
// one marked by incident.Later when AWS asks for patience; a *refusal marked by
// incident.GiveUp for other 4xx; a *refusal or a sentence on the connection for what
// may pass. None repeats anything that AWS wrote but its error code.
func ask[I, O, P any](ctx context.Context, a *Account, to, right string, call func(context.Context, *I, ...func(*P)) (*O, error), in *I) (*O, error) {
	limit, rate := budget(right)
	if err := a.conf.Pace.Take(ctx, limit, rate); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := call(ctx, in)
	if err != nil {
		return nil, trouble(ctx, to, right, err)
	}
	return out, nil
}

// What AWS lets an account do. EC2: mutating calls 5 a second after a burst of 50, reading
// 20 after 100, https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html.
// WAF: one write and five reads a second, https://docs.aws.amazon.com/waf/latest/developerguide/limits.html.
// Resolver: five calls a second, https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html.
// Of the others AWS publishes nothing; those figures are ours.
var rates = map[string]struct{ read, write actions.Rate }{
	"ec2":             {actions.Rate{PerMinute: 20 * 60, Burst: 100}, actions.Rate{PerMinute: 5 * 60, Burst: 50}},
	"wafv2":           {actions.Rate{PerMinute: 5 * 60, Burst: 5}, actions.Rate{PerMinute: 60, Burst: 1}},
	"route53resolver": {actions.Rate{PerMinute: 4 * 60, Burst: 4}, actions.Rate{PerMinute: 60, Burst: 1}},
	"iam":             {actions.Rate{PerMinute: 10 * 60, Burst: 20}, actions.Rate{PerMinute: 2 * 60, Burst: 10}},
	"s3":              {actions.Rate{PerMinute: 10 * 60, Burst: 20}, actions.Rate{PerMinute: 2 * 60, Burst: 10}},
	"guardduty":       {actions.Rate{PerMinute: 5 * 60, Burst: 5}, actions.Rate{PerMinute: 60, Burst: 1}},
	"sts":             {actions.Rate{PerMinute: 10 * 60, Burst: 20}, actions.Rate{PerMinute: 60, Burst: 1}},
}

// budget is the limit a right falls under.
func budget(right string) (string, actions.Rate) {
	service, action, _ := strings.Cut(right, ":")
	if reads(action) {
		return "aws/" + service + "/read", rates[service].read
	}
	return "aws/" + service + "/write", rates[service].write
}

func reads(action string) bool {
	for _, verb := range []string{"Get", "List", "Describe", "Simulate"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return false
}

// refusal is an answer of AWS that is no success.
type refusal struct {
	to     string
	status int
	code   string // AWS's own: "NoSuchEntity"
	region string // where the bucket is that was asked for in another region
}

func (r *refusal) Error() string {
	if r.code == "" {
		return fmt.Sprintf("%s: AWS answered %d", r.to, r.status)
	}
	return fmt.Sprintf("%s: AWS answered %d (%s)", r.to, r.status, r.code)
}

// coded reports whether err is an answer with one of AWS's error codes.
func coded(err error, codes ...string) bool {
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

// The codes by which the services say no, and by which they say not you.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var (
	denied  = words("AccessDenied AccessDeniedException UnauthorizedOperation UnauthorizedException NotAuthorized AuthorizationError")
	unknown = words("InvalidClientTokenId UnrecognizedClientException AuthFailure SignatureDoesNotMatch InvalidSignatureException " +
		"ExpiredToken ExpiredTokenException RequestExpired IncompleteSignature IncompleteSignatureException InvalidAccessKeyId MissingAuthenticationToken MissingAuthenticationTokenException OptInRequired InvalidToken")
	// passing are 4xx by which a service means its own trouble, or that it is still at the last change.
	passing = words("InternalServiceErrorException InternalServerErrorException WAFInternalErrorException WAFUnavailableEntityException " +
		"WAFOptimisticLockException ConcurrentModification ConcurrentModificationException EntityTemporarilyUnmodifiable ConflictException OperationAborted RequestTimeout")
)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

func trouble(ctx context.Context, to, right string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: AWS did not answer in time: %w", to, ctx.Err())
	}
	r := &refusal{to: to}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		r.status = answer.HTTPStatusCode()
		if at := header(answer).Get("X-Amz-Bucket-Region"); regionShape.MatchString(at) {
			r.region = at
		}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		r.code = word(api.ErrorCode())
	}
	_, slow := retry.DefaultThrottleErrorCodes[r.code]
	// IAM's LimitExceeded is a quota; LimitExceededException of other services too.
	slow = slow && r.code != "LimitExceededException"
	switch {
	case r.status == 0:
		return unanswered(to, err)
	case r.status == http.StatusTooManyRequests, slow:
		return incident.Later(r, rest.Wait(header(answer)))
	case denied[r.code]:
		return &actions.MissingRight{Right: right, To: to}
	case unknown[r.code], r.status == http.StatusUnauthorized:
		return &actions.MissingRight{Right: "valid credentials for AWS", To: to}
	case r.status == http.StatusForbidden:
		return &actions.MissingRight{Right: right, To: to}
	case r.status >= 500, passing[r.code], r.status < 400:
		return r
	}
	return incident.GiveUp(r)
}

func header(r *awshttp.ResponseError) http.Header {
	if r == nil || r.Response == nil || r.Response.Response == nil {
		return nil
	}
	return r.Response.Header
}

// unanswered tells of a request that got no answer, without the SDK's words: they hold the address.
func unanswered(to string, err error) error {
	var params smithy.InvalidParamsError
	var build *smithy.SerializationError
	if errors.As(err, &params) || errors.As(err, &build) {
		return incident.GiveUp(fmt.Errorf("%s: the SDK does not take the request", to))
	}
	var slow interface{ Timeout() bool }
	if errors.As(err, &slow) && slow.Timeout() {
		return fmt.Errorf("%s: AWS did not answer in time", to)
	}
	var op *smithy.OperationError
	if errors.As(err, &op) && strings.Contains(op.Err.Error(), "credential") {
		return fmt.Errorf("%s: AWS credentials cannot be had; look at the machine's role or the configured key", to)
	}
	return fmt.Errorf("%s: AWS cannot be reached", to)
}

// word keeps what can be an error code, as EC2's "InvalidInstanceID.NotFound", and nothing else.
func word(s string) string {
	if len(s) > 60 || strings.ContainsFunc(s, func(r rune) bool { return r != '.' && !plain(r) }) {
		return ""
	}
	return s
}

// plain reports whether a rune is an ASCII letter or digit.
func plain(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
