package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		conf Config
		says string
	}{
		{Config{}, "not the name of an AWS region"},
		{Config{Region: home, Regions: []string{"Frankfurt"}}, `"Frankfurt" is not`},
		{Config{Region: home, KeyID: tocsinKey}, "belong together"},
		{Config{Region: home, Role: "tocsin"}, "not the ARN of a role"},
		{Config{Region: home, Endpoints: map[string]string{"iam": "http://iam.example"}}, "not an https address"},
		{Config{Region: home, Endpoints: map[string]string{"iam": "https://user:secret@iam.example"}}, "not an https address"},
		{Config{Region: home, Endpoints: map[string]string{"lambda": "https://x.example"}}, `no service "lambda"`},
	} {
		_, err := New(c.conf)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%+v: %v", c.conf, err)
		}
	}
	for _, r := range []string{"us-east-1", "us-gov-west-1", "cn-northwest-1", "us-iso-east-1", "eusc-de-east-1", "ap-southeast-7"} {
		if p := (Config{Region: r}).Problems(); len(p) > 0 {
			t.Errorf("%s: %v", r, p)
		}
	}
}

// There is a catalogue of all of them.
func TestActions(t *testing.T) {
	list, err := Actions(Config{Region: home, KeyID: tocsinKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	c, err := actions.NewCatalogue(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Names()) != 13 {
		t.Errorf("%v", c.Names())
	}
}

// stop answers no request and remembers where it was sent.
type stop struct {
	host     string
	writesTo bool // a body could write itself
}

func (s *stop) RoundTrip(r *http.Request) (*http.Response, error) {
	s.host = r.URL.Host
	_, s.writesTo = r.Body.(io.WriterTo)
	return nil, errors.New("no network in this test")
}

// Each partition has its own addresses; configured ones replace them.
func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		conf    Config
		iam, gd string
	}{
		{Config{Region: "eu-central-1"}, "iam.amazonaws.com", "guardduty.eu-central-1.amazonaws.com"},
		{Config{Region: "us-gov-west-1"}, "iam.us-gov.amazonaws.com", "guardduty.us-gov-west-1.amazonaws.com"},
		{Config{Region: "cn-north-1"}, "iam.cn-north-1.amazonaws.com.cn", "guardduty.cn-north-1.amazonaws.com.cn"},
		{Config{Region: "us-east-1", FIPS: true}, "iam-fips.amazonaws.com", "guardduty-fips.us-east-1.amazonaws.com"},
		{Config{Region: "us-gov-west-1", FIPS: true, Endpoints: map[string]string{"iam": "https://iam.gov.example/"}}, "iam.gov.example", "guardduty.us-gov-west-1.amazonaws.com"},
		{Config{Region: "eu-central-1", DualStack: true}, "iam.global.api.aws", "guardduty.eu-central-1.api.aws"},
	} {
		s := &stop{}
		c.conf.KeyID, c.conf.SecretKey, c.conf.HTTP = tocsinKey, secretKey, &http.Client{Transport: s}
		a, err := New(c.conf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.look(t.Context(), user, "x"); err == nil || s.host != c.iam || strings.Contains(err.Error(), c.iam) {
			t.Errorf("%s: IAM was asked at %s: %v", c.conf.Region, s.host, err)
		}
		if s.writesTo {
			t.Error("net/http could close the connection under an answer, see bounded.Do")
		}
		if _, err := a.InstanceFindings(t.Context(), c.conf.Region, "x"); err == nil || s.host != c.gd {
			t.Errorf("%s: GuardDuty was asked at %s", c.conf.Region, s.host)
		}
	}
}

// In GovCloud, ARNs are made in its partition.
func TestPartition(t *testing.T) {
	v := newAmazon(t)
	v.with(func(w *world) { w.Caller = "arn:aws-us-gov:iam::" + account + ":user/tocsin" })
	m, err := v.account().machine(t.Context(), webOne)
	if err != nil || m.arn != "arn:aws-us-gov:ec2:"+home+":"+account+":instance/"+webOne {
		t.Errorf("%s, %v", m.arn, err)
	}
}

// A wrong secret, a key AWS does not know, the root user: each is said, and no secret is.
func TestSigningIn(t *testing.T) {
	v := newAmazon(t)
	for _, change := range []func(*Config){
		func(c *Config) { c.SecretKey = "another" + secretKey },
		func(c *Config) { c.KeyID = "AKIANOBODYNOBODYNOBO" },
		func(c *Config) { c.SessionToken = "stale" },
	} {
		_, err := v.action("aws.deny-user", change).Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"})
		var right *actions.MissingRight
		if !errors.As(err, &right) || !strings.Contains(right.Right, "valid credentials") || strings.Contains(err.Error(), secretKey) {
			t.Errorf("plan answered %v", err)
		}
	}
	refused := v.action("aws.deny-user", func(c *Config) { c.Role, c.ExternalID = "arn:aws:iam::"+account+":role/tocsin-role", "wrong" })
	if _, err := refused.Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"}); err == nil || strings.Contains(err.Error(), "vendor said") {
		t.Errorf("plan answered %v", err)
	}
	v.with(func(w *world) { w.Caller = "arn:aws:iam::" + account + ":root" })
	if _, err := v.action("aws.deny-user").Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"}); !incident.IsGivenUp(err) {
		t.Errorf("plan answered %v", err)
	}
}

// A machine without credentials says so in a sentence.
func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	v := newAmazon(t)
	a := v.action("aws.deny-user", func(c *Config) { c.KeyID, c.SecretKey = "", "" })
	if _, err := a.Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"}); err == nil || !strings.Contains(err.Error(), "credentials cannot be had") {
		t.Errorf("plan answered %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", tocsinKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	a = v.action("aws.deny-user", func(c *Config) { c.KeyID, c.SecretKey = "", "" })
	if _, err := a.Plan(t.Context(), actions.Input{Target: "mallory", Key: "k"}); err != nil {
		t.Errorf("the environment has a key; plan answered %v", err)
	}
}

// Whoever answers in AWS's place gets no second request elsewhere, and cannot fill the memory.
func TestStrangeAnswers(t *testing.T) {
	stolen := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen++ }))
	defer thief.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			junk := []byte("<a>" + strings.Repeat("x", 1<<16) + "</a>")
			for range (maxAnswer >> 16) + 64 {
				if _, err := w.Write(junk); err != nil {
					return
				}
			}
		},
		"not XML": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{secret vendor said")) },
		"empty":   func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(answer)
			defer srv.Close()
			a, err := New(Config{Region: home, KeyID: tocsinKey, SecretKey: secretKey, Endpoints: map[string]string{"": srv.URL}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.self(t.Context()); err == nil || strings.Contains(err.Error(), "vendor said") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("%v", err)
			}
		})
	}
	if stolen > 0 {
		t.Errorf("%d signed requests followed a redirect", stolen)
	}
}

// Every call is charged to the budget of its service, and one that is refused is not made.
func TestPace(t *testing.T) {
	v := newAmazon(t)
	spent := map[string]int{}
	a := v.action("aws.block-address", func(c *Config) {
		c.Pace = func(_ context.Context, limit string, r actions.Rate) error {
			if r.PerMinute <= 0 || r.Burst <= 0 {
				t.Errorf("%s has no rate", limit)
			}
			spent[limit]++
			if limit == "aws/wafv2/write" {
				return incident.Later(errors.New("the budget is spent"), time.Second)
			}
			return nil
		}
	})
	p, err := a.Plan(t.Context(), actions.Input{Target: "203.0.113.7", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Do(t.Context(), p); err == nil || v.Changes() != 0 {
		t.Errorf("do answered %v", err)
	}
	if spent["aws/wafv2/read"] < 4 || spent["aws/wafv2/write"] != 1 {
		t.Errorf("%v", spent)
	}
}

// The documented policy is enough for everything, and each right that is taken from it is
// missed by name.
func TestCheck(t *testing.T) {
	v := newAmazon(t)
	a := v.account(func(c *Config) { c.GuardDuty = true })
	full := a.Policy("arn:aws:iam::" + account + ":user/tocsin")
	v.with(func(w *world) { w.IAM.Users["tocsin"].Policies = map[string]string{"tocsin": full} })
	missing, err := a.Check(t.Context())
	if err != nil || len(missing) > 0 {
		t.Fatalf("%v, %v", missing, err)
	}
	for _, right := range a.Rights() {
		v.with(func(w *world) {
			w.IAM.Users["tocsin"].Policies["tocsin"] = strings.ReplaceAll(full, fmt.Sprintf("%q", right), `"x:Y"`)
		})
		missing, err := a.Check(t.Context())
		if err != nil || len(missing) != 1 || missing[0] != "tocsin is not allowed to "+right {
			t.Errorf("%s: %v, %v", right, missing, err)
		}
	}
	one, err := v.action("aws.deny-user").(actions.Checker).Check(t.Context())
	if err != nil || len(one) != 0 {
		t.Errorf("%v, %v", one, err)
	}
	if v.Changes() != 0 {
		t.Error("checking changed the world")
	}
}

// docs/adapters/aws.md has the policy and the table as the code has them.
// TOCSIN_GENERATE=1 writes them.
func TestDocsAdapter(t *testing.T) {
	a := newAmazon(t).account(func(c *Config) { c.GuardDuty = true })
	var table strings.Builder
	table.WriteString("| action | what it does | undone | evidence first | proof |\n|---|---|---|---|---|\n")
	for _, act := range a.Actions() {
		s := act.Spec()
		back, first := "no", "no"
		if s.Reversible {
			back = "yes"
		}
		if _, ok := act.(actions.Preserver); ok {
			first = "can be kept"
		}
		if s.Destroys != "" {
			first = "needed"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", s.Name, s.Does, back, first, s.Proof)
	}
	var rights strings.Builder
	rights.WriteString("| action | rights |\n|---|---|\n")
	for _, act := range a.Actions() {
		fmt.Fprintf(&rights, "| `%s` | `%s` |\n", act.Spec().Name, strings.Join(act.Spec().Rights, "` `"))
	}
	path := filepath.Join("..", "..", "docs", "adapters", "aws.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for mark, text := range map[string]string{
		"actions": table.String(), "rights": rights.String(),
		"policy": "```json\n" + a.Policy("arn:aws:iam::111122223333:role/tocsin") + "\n```\n",
	} {
		begin, end := "<!-- "+mark+": from the code -->\n", "<!-- end of "+mark+" -->"
		before, rest, ok := strings.Cut(page, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for %s", path, mark)
		}
		page = before + begin + text + end + after
	}
	if os.Getenv("TOCSIN_GENERATE") == "1" {
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != string(b) {
		t.Error("docs/adapters/aws.md is not what the code says any more; run: TOCSIN_GENERATE=1 go test -run TestDocs ./integrations/aws")
	}
}
