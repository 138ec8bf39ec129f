package config

import (
	"slices"
	"testing"
)

// A secret that a list, a map or an embedded part of the configuration holds is found.
func TestEverySecretIsFound(t *testing.T) {
	c := Config{Key: NewSecret("a"), PagerDuty: PagerDuty{Keys: map[string]Secret{"x": NewSecret("b")}, WebhookSecrets: []Secret{NewSecret("c")}},
		Vendors: Vendors{AWS: AWS{SecretKey: NewSecret("d")}, Okta: Okta{Token: NewSecret("e")}}}
	var got []string
	for _, s := range c.Secrets() {
		got = append(got, s.Reveal())
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Fatal(got)
	}
}
