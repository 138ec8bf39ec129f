package aws

import (
	"net/http/httptest"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/aws"
)

// amazon is the sandbox's AWS with an account of these tests in it, and what package
// actiontest wants of a world.
type amazon struct {
	*honest.Server
	t       *testing.T
	url     string
	look    func(*world) any
	disturb func(*world)
}

type world = honest.World

const (
	account   = honest.Account
	home      = "eu-central-1"
	tocsinKey = "AKIATOCSINTOCSINTOCS"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYSECRETKEY" // of nobody
)

func newAmazon(t *testing.T) *amazon {
	s := honest.New(honest.Config{Keys: map[string]string{tocsinKey: secretKey}, World: newWorld(), Complain: t.Errorf})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &amazon{Server: s, t: t, url: srv.URL}
}

func (v *amazon) conf() Config {
	return Config{Region: home, Regions: []string{"us-west-2"}, KeyID: tocsinKey, SecretKey: secretKey, Endpoints: map[string]string{"": v.url}}
}

func (v *amazon) account(change ...func(*Config)) *Account {
	v.t.Helper()
	c := v.conf()
	for _, f := range change {
		f(&c)
	}
	a, err := New(c)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// action is the action of that name, on this AWS.
func (v *amazon) action(name string, change ...func(*Config)) actions.Action {
	v.t.Helper()
	for _, a := range v.account(change...).Actions() {
		if a.Spec().Name == name {
			return a
		}
	}
	v.t.Fatalf("there is no action %s", name)
	return nil
}

// with changes the world, or looks at it.
func (v *amazon) with(f func(w *world)) { v.With(f) }

// now is the world, for a look when nothing is asked of it.
func (v *amazon) now() (w *world) {
	v.With(func(it *world) { w = it })
	return w
}

// The World of package actiontest.

func (v *amazon) Changes() int { return v.Writes() }
func (v *amazon) Look() (seen any) {
	v.With(func(w *world) { seen = v.look(w) })
	return seen
}
func (v *amazon) Disturb()                        { v.With(v.disturb) }
func (v *amazon) Lie()                            { v.Server.Lie(true) }
func (v *amazon) Fail(status, n int, writes bool) { v.Server.Fail(status, n, writes, 0) }
func (v *amazon) Secrets() []string               { return []string{secretKey, "vendor said"} }
