// Package aws is an honest AWS with one account in one process: IAM users, roles, keys and
// inline policies, EC2, WAFv2 IP sets and web ACLs, Route 53 Resolver's DNS Firewall, S3's
// public-access blocks and GuardDuty's findings. It speaks the services' own protocols
// (query XML for IAM, STS and EC2, JSON 1.1 for WAFv2 and Resolver, REST JSON for
// GuardDuty, REST XML for S3), so that the real SDK speaks to it; it knows a service and a
// region by what the request was signed for, and recomputes every signature.
//
// Somebody else can work in the account behind the app's back (With), and AWS can be made
// to lie: it then says yes and keeps nothing.
package aws

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/watch"
)

// Account is the only account there is.
const Account = "111122223333"

const maxRequest = 1 << 20 // bytes

// Config describes an AWS.
type Config struct {
	// Keys may sign: secrets by key id.
	Keys map[string]string
	// World is what there is at the beginning; the server owns it from then on.
	World World
	// Now is the time by which faults end. Signatures are judged by the machine's clock,
	// because SDKs sign by it. nil: the machine's.
	Now func() time.Time
	// Complain hears what no honest client causes: a read that changed something, a call
	// for a right that Only does not list. nil: nobody does.
	Complain func(format string, args ...any)
}

// World is all that AWS keeps. Its JSON tells whether something changed.
type World struct {
	Caller string // the ARN of whoever signs
	IAM    IAM
	EC2    map[string]*EC2 // by region
	WAF    map[string]*WAF // by region
	DNS    map[string]*DNS // by region
	S3     map[string]*Bucket
	Guard  map[string]*GuardDuty // by region
}

// Server is an http.Handler, safe for concurrent use.
type Server struct {
	conf   Config
	faults *fault.Set
	wrap   http.Handler
	watch  watch.Set

	// mu guards everything that follows.
	mu      sync.Mutex
	world   World
	keys    map[string]credentials // who may sign, by key id
	changes int
	lies    bool
	fail    failing
	assumed string          // the ARN of the session of whoever assumed a role
	denied  map[string]bool // rights the caller lacks
	only    []string        // the rights it has, where a test says so
}

type failing struct {
	status, n, after int
	writes           bool
}

// New makes an AWS.
func New(c Config) *Server {
	if c.Complain == nil {
		c.Complain = func(string, ...any) {}
	}
	s := &Server{conf: c, world: c.World, keys: map[string]credentials{}, denied: map[string]bool{}, faults: fault.New(c.Now)}
	for id, secret := range c.Keys {
		s.keys[id] = credentials{id: id, secret: secret}
	}
	s.wrap = s.faults.Wrap("aws", Method, http.HandlerFunc(s.serve))
	return s
}

// Faults are what goes wrong here; requests are named as Method does.
func (s *Server) Faults() *fault.Set { return s.faults }

// Look shows the account as it is. f keeps nothing of it.
func (s *Server) Look(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.world)
}

// With is somebody else who works in the account.
func (s *Server) With(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.world)
	s.changed()
}

// Deny takes a right from the caller: "iam:UpdateAccessKey".
func (s *Server) Deny(right string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[right] = true
}

// Only has every call complained of that needs a right beyond these.
func (s *Server) Only(rights []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.only = rights
}

// Lie makes AWS say yes from now on and keep nothing; or ends that.
func (s *Server) Lie(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lies = on
}

// Fail answers n requests with the status, n < 0: all; writes: only those that would
// change something. The first after of them are still let through.
func (s *Server) Fail(status, n int, writes bool, after int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = failing{status, n, after, writes}
}

// Writes is how often something really changed by a request.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

// Subscribe tells of changes until stop.
func (s *Server) Subscribe() (changes <-chan struct{}, stop func()) { return s.watch.Subscribe() }

func (s *Server) changed() { s.watch.Tell() }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.wrap.ServeHTTP(&inWords{ResponseWriter: w, service: serviceOf(r)}, r)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if plain, ok := w.(*inWords); ok {
		w = plain.ResponseWriter
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return // the caller has gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, bad := s.signed(r, body)
	if r.Method == http.MethodHead && r.Header.Get("Authorization") == "" { // S3 lets strangers ask
		q.service, bad = "s3", nil
	}
	if bad == nil {
		bad = q.read()
	}
	if bad == nil {
		bad = s.stops(q)
	}
	out := ""
	if bad == nil {
		out, bad = s.carry(q)
	}
	s.answer(w, q, out, bad)
}

// stops refuses what is to fail, and what the caller has no right to.
func (s *Server) stops(q *asked) *refusal {
	if f := &s.fail; f.n != 0 && f.status != 0 && (q.writes() || !f.writes) {
		if f.after--; f.after < 0 {
			f.n--
			return &refusal{f.status, failCode(q.service, f.status)}
		}
	}
	for _, right := range q.rights() {
		if s.only != nil && !slices.Contains(s.only, right) {
			s.conf.Complain("%s needs the right %s, which the spec does not list", q.action, right)
		}
		if s.denied[right] {
			return &refusal{http.StatusForbidden, failCode(q.service, http.StatusForbidden)}
		}
	}
	return nil
}

// carry does what is asked, and forgets it again where AWS lies.
func (s *Server) carry(q *asked) (string, *refusal) {
	before := s.image()
	out, bad := s.dispatch(q)
	if s.lies && q.writes() {
		s.world = World{}
		if err := json.Unmarshal(before, &s.world); err != nil {
			s.conf.Complain("forget what was written: %v", err)
		}
	}
	if !bytes.Equal(before, s.image()) {
		if !q.writes() {
			s.conf.Complain("%s changed the world", q.action)
		}
		s.changes++
		s.changed()
	}
	return out, bad
}

func (s *Server) image() []byte {
	b, err := json.Marshal(s.world)
	if err != nil {
		s.conf.Complain("%v", err)
	}
	return b
}

func (s *Server) dispatch(q *asked) (string, *refusal) {
	switch q.service {
	case "iam":
		return s.world.IAM.serve(q)
	case "sts":
		return s.sts(q)
	case "ec2":
		if e := s.world.EC2[q.region]; e != nil {
			return e.serve(q, &s.world.IAM)
		}
	case "wafv2":
		if e := s.world.WAF[q.region]; e != nil {
			return e.serve(q)
		}
	case "route53resolver":
		if e := s.world.DNS[q.region]; e != nil {
			return e.serve(q)
		}
	case "s3":
		return s.s3(q)
	case "guardduty":
		return s.guard(q)
	}
	return "", &refusal{http.StatusBadRequest, "InvalidAction"}
}
