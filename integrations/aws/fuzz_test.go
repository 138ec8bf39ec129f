package aws

import (
	"strings"
	"testing"
	"time"
)

// FuzzTyped: whatever a person types or pastes, only names that AWS can have get through,
// and none that means many.
func FuzzTyped(f *testing.F) {
	for _, s := range []string{"mallory", "user/mallory", "arn:aws:iam::111122223333:user/a/b/mallory", "arn:aws:sts::111122223333:assumed-role/r/s", "arn:::::", "203.0.113.7/24",
		"::ffff:1.2.3.4", "fe80::1%eth0", "evil.example.", "*.evil.example", "xn--e1afmkfd.xn--p1ai", "AKIAIOSFODNN7EXAMPLE", "<!here>", "a\u202eb.com"} {
		f.Add(s)
	}
	me := own{account: account, partition: "aws"}
	f.Fuzz(func(t *testing.T, typed string) {
		for _, kind := range []string{user, role} {
			if name, err := nameOf(kind, typed, me); err == nil && (!nameShape.MatchString(name) || strings.ContainsAny(name, "/:*")) {
				t.Errorf("%q is the name %q", typed, name)
			}
		}
		if p, err := prefixOf(typed); err == nil && (!p.IsValid() || p.Bits() == 0 || p.Masked() != p || p.Addr().Zone() != "" || p.Addr().Is4In6()) {
			t.Errorf("%q is the range %s", typed, p)
		}
		if d, err := domainOf(typed); err == nil && (strings.ContainsAny(d, "*/ :\n") || !strings.Contains(d, ".") || strings.HasSuffix("amazonaws.com", d)) {
			t.Errorf("%q is the domain %q", typed, d)
		}
		if f := filterOf(typed); f == "" {
			t.Errorf("%q has no filter", typed)
		}
		alike(typed, []string{"mallory", typed})
	})
}

// FuzzPolicy: a document is taken for our own revocation only when it is one to the byte.
func FuzzPolicy(f *testing.F) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	f.Add(revokeBefore(at, markOf("k")).text())
	f.Add(denyAll().text())
	f.Add(`{"Statement":[{"Condition":{"DateLessThan":{"aws:TokenIssueTime":"x"}}}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		if at, ok := revokedAt(document, markOf("k")); ok && revokeBefore(at, markOf("k")).text() != document {
			t.Errorf("%q", document)
		}
	})
}

// FuzzCaller: what AWS says of the caller gives an account of twelve digits or an error.
func FuzzCaller(f *testing.F) {
	for _, s := range []string{"arn:aws:iam::111122223333:user/p/tocsin", "arn:aws:sts::111122223333:assumed-role/tocsin/i-0", "arn:aws:iam::111122223333:root", "arn"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		if me, err := ownOf(arn); err == nil && (len(me.account) != 12 || me.user != "" && me.role != "") {
			t.Errorf("%q is %+v", arn, me)
		}
	})
}
