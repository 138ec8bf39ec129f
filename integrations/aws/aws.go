// Package aws contains what happens in one AWS account: access keys, users and roles,
// instances, buckets, and the lists of addresses and domains that firewalls read.
//
// Begin with Config and New; each action is a file of its own. Everything goes through
// ask (ask.go), which charges the budget, bounds the answer and tells of trouble in our
// own words. Nothing is retried here: effects are, by the engine.
//
// Three things are refused whatever the plan of the house says: Tocsin's own identity,
// break-glass identities, and roles that belong to AWS.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// Config is what an Account is made of. Region is required, the rest may stay zero.
type Config struct {
	Region  string   // where regional things are unless a target says otherwise: "eu-central-1", "us-gov-west-1"
	Regions []string // where instances are looked for as well

	// KeyID and SecretKey sign the requests. Both empty: the machine's own credentials, as
	// the SDK's default chain finds them (environment, shared files, web identity, container,
	// instance). With a key, neither environment nor files are read.
	KeyID        string
	SecretKey    actions.Secret
	SessionToken actions.Secret
	Role         string         // an ARN to assume with them, for an account of its own
	ExternalID   actions.Secret // for that role's trust

	// Endpoints replaces the addresses of AWS, by service: iam, sts, ec2, wafv2,
	// route53resolver, s3, guardduty; the entry "" stands for those not named. For private
	// endpoints and partitions that the SDK does not know.
	Endpoints map[string]string
	FIPS      bool // the partition's FIPS endpoints
	DualStack bool

	BreakGlass []string // users and roles that are never touched: names or ARNs
	Quarantine string   // the name of the quarantine security group; "tocsin-quarantine"
	IPSet      string   // where addresses are blocked unless a parameter says otherwise; "tocsin-blocked"
	DomainList string   // where domains are blocked; "tocsin-blocked"
	GuardDuty  bool     // plans tell of GuardDuty's findings on their target

	Pace actions.Pace
	HTTP *http.Client
}

// The names that are taken where the configuration gives none.
const (
	quarantineName = "tocsin-quarantine"
	blockedName    = "tocsin-blocked"
)

var (
	regionShape = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	roleShape   = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}$`)
	services    = []string{"", "iam", "sts", "ec2", "wafv2", "route53resolver", "s3", "guardduty"}
)

// Problems says what is missing or wrong; none for one that New takes.
func (c Config) Problems() []string {
	var out []string
	for _, r := range append([]string{c.Region}, c.Regions...) {
		if !regionShape.MatchString(r) {
			out = append(out, fmt.Sprintf("%q is not the name of an AWS region, such as eu-central-1", r))
		}
	}
	if (c.KeyID == "") != (c.SecretKey == "") {
		out = append(out, "a key id and its secret belong together; leave both empty for the machine's own credentials")
	}
	if c.Role != "" && !roleShape.MatchString(c.Role) {
		out = append(out, "the role to assume is not the ARN of a role")
	}
	for service, at := range c.Endpoints {
		if !slices.Contains(services, service) {
			out = append(out, fmt.Sprintf("there is no service %q here; known are %s", service, strings.Join(services[1:], ", ")))
		}
		if !reachable(at) {
			out = append(out, fmt.Sprintf("the endpoint of %q is not an https address", service))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reachable takes https, and http on this machine only.
func reachable(at string) bool {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Account is one AWS account as Tocsin may change it. It is safe for concurrent use.
type Account struct {
	conf Config
	*clients

	// mu guards everything that follows.
	mu  sync.Mutex
	own own // who Tocsin is, once AWS said so
}

// New makes an Account. It makes no call; the errors are those of Config.Problems, and of
// shared configuration files that cannot be read.
func New(c Config) (*Account, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New("aws: " + strings.Join(p, "; "))
	}
	c.Regions = slices.Compact(append([]string{c.Region}, slices.DeleteFunc(slices.Clone(c.Regions), func(r string) bool { return r == c.Region })...))
	for at, name := range map[*string]string{&c.Quarantine: quarantineName, &c.IPSet: blockedName, &c.DomainList: blockedName} {
		if *at == "" {
			*at = name
		}
	}
	k, err := newClients(c)
	if err != nil {
		return nil, err
	}
	return &Account{conf: c, clients: k}, nil
}

// Actions are all actions of this package on the account that c describes.
func Actions(c Config) ([]actions.Action, error) {
	a, err := New(c)
	if err != nil {
		return nil, err
	}
	return a.Actions(), nil
}

// Actions are all actions of this package, in order of name.
func (a *Account) Actions() []actions.Action {
	out := make([]actions.Action, 0, len(offers))
	for _, make := range offers {
		out = append(out, make(a))
	}
	slices.SortFunc(out, func(x, y actions.Action) int { return strings.Compare(x.Spec().Name, y.Spec().Name) })
	return out
}

// offers is filled by the files of the actions, each adding its own.
var offers []func(*Account) actions.Action

func offer(make func(*Account) actions.Action) bool {
	offers = append(offers, make)
	return true
}

// deed is what all actions share.
type deed struct {
	*Account
	spec actions.Spec
}

// Spec says what the action is.
func (d deed) Spec() actions.Spec { return d.spec }

// Check says which of the action's rights are missing, by asking IAM's simulator.
func (d deed) Check(ctx context.Context) ([]string, error) { return d.missing(ctx, d.spec.Rights) }

// begin makes the plan of an input and a target that was found.
func (d deed) begin(in actions.Input, t actions.Target) actions.Plan {
	t.Kind = d.spec.Kind
	return actions.Plan{Action: d.spec.Name, Target: t, Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until}
}

const settles = 10 * time.Second // after which IAM is worth asking again: it is "eventually consistent", https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
