package mask_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/tocsin-ir/tocsin/internal/mask"
)

// made makes a string that looks random; nothing in this file is a secret anywhere.
func made(alphabet string, n int) string {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	mixed = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
)

func secrets() map[string]string {
	return map[string]string{
		"aws":     "AK" + "IA" + made(upper, 16),
		"github":  "gh" + "p_" + made(mixed, 36),
		"slack":   "xo" + "xb-" + made("1234567890", 12) + "-" + made("9876543210", 12) + "-" + made(mixed, 24),
		"private": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + made(mixed, 64) + "\n" + made(mixed, 63) + "\n-----END RSA " + "PRIVATE KEY-----",
		"stripe":  "sk" + "_live_" + made(mixed, 24),
	}
}

func TestPastedTokensDoNotLeaveTheRoom(t *testing.T) {
	t.Parallel()
	m := new(mask.Mask)
	for name, secret := range secrets() {
		for _, form := range []string{"%s", "mallory used `%s` from web-3", "key=%s\nand then", "%s # gitleaks:allow", "twice: %[1]s and %[1]s"} {
			text := fmt.Sprintf(form, secret)
			got, found := m.Text(text)
			if strings.Contains(got, secret) || len(found) == 0 || !strings.Contains(got, "[masked: ") {
				t.Errorf("%s in %q: %q %v", name, form, got, found)
			}
		}
	}
}

func TestWhatPeopleTellEachOtherIsMasked(t *testing.T) {
	t.Parallel()
	m := new(mask.Mask)
	for text, want := range map[string]string{
		"password: hunter2":                       "password: [masked: password]",
		"Password = swordfish":                    "Password = [masked: password]",
		"the *password:* `Tr0ub4dor&3` of bob":    "the *password:* `[masked: password]` of bob",
		"his pwd is winter2026!":                  "his pwd is [masked: password]",
		`{"user":"bob","password":"letmein"}`:     `{"user":"bob","password":"[masked: password]"}`,
		"psql postgres://bob:s3same@db.corp/main": "psql postgres://bob:[masked: address with password]@db.corp/main",
		"DB_PASSWORD=swordfish ./run":             "DB_PASSWORD=[masked: password] ./run",
	} {
		if got, _ := m.Text(text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestOrdinarySentencesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	m := new(mask.Mask)
	for _, text := range []string{
		"", "the password is compromised", "token: revoked by bob at 10:04", "We rotated every API key and token on web-3.",
		"password reset for 14 users", "see https://wiki.corp/runbooks/okta?page=2", "host web-3.corp.example:8443 confirmed",
		"sha256 " + strings.Repeat("ab12", 16), "INC-0042/17/2", "10:00 UTC – «déclaré» 漏洩",
	} {
		if got, found := m.Text(text); got != text || found != nil {
			t.Errorf("%q became %q %v", text, got, found)
		}
	}
}

func TestASecretInBase64IsMaskedToo(t *testing.T) {
	t.Parallel()
	m := new(mask.Mask)
	secret := "gh" + "p_" + made(mixed, 36)
	wrapped := base64.StdEncoding.EncodeToString([]byte("token: " + secret))
	got, found := m.Text("apiVersion: v1\ndata:\n  x: " + wrapped + "\n")
	if strings.Contains(got, wrapped) || len(found) == 0 {
		t.Fatalf("%q %v", got, found)
	}
	if !strings.HasPrefix(got, "apiVersion: v1\n") {
		t.Fatalf("too much went: %q", got)
	}
}

func TestConfidentialNames(t *testing.T) {
	t.Parallel()
	m := new(mask.Mask)
	named := m.With("Project Nightjar", "ab", "O'Neil (HR)")
	got, found := named.Text("PROJECT  nightjar and project nightjars; ab; O'Neil (HR) knows")
	want := "[masked: confidential name] and project nightjars; ab; [masked: confidential name] knows"
	if got != want || len(found) != 1 || found[0].Count != 2 {
		t.Fatalf("%q %v", got, found)
	}
	if got, _ := m.Text("project nightjar"); got != "project nightjar" {
		t.Fatal("With changed the Mask it came from")
	}
}

func TestTextTooLongToSearchIsMaskedWhole(t *testing.T) {
	t.Parallel()
	got, found := new(mask.Mask).Text(strings.Repeat("a ", mask.MaxText/2+1))
	if len(got) > 100 || len(found) != 1 {
		t.Fatal(len(got), found)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			m := new(mask.Mask)
			for _, secret := range secrets() {
				if got, _ := m.Text("see " + secret); strings.Contains(got, secret) {
					t.Error(got)
				}
			}
		})
	}
	wg.Wait()
}
