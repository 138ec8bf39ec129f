package kubernetes

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
)

var thePage = filepath.Join("..", "..", "docs", "adapters", "kubernetes.md")

const below = "<!-- From here on written by make generate. -->\n"

// What the page says of the actions, and the roles to install, come from the code.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(thePage)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(b), below)
	if !ok {
		t.Fatalf("%s has no line %q", thePage, below)
	}
	want := head + below + written()
	if os.Getenv("TOCSIN_GENERATE") == "1" {
		if err := os.WriteFile(thePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(b) != want {
		t.Errorf("%s is not what the code says any more; run: make generate", thePage)
	}
}

func written() string {
	var b strings.Builder
	fence := "```"
	fmt.Fprintf(&b, "\n## The account\n\n%syaml\n%s%s\n", fence, accountYAML, fence)
	for _, s := range Specs() {
		back := "Cannot be taken back."
		if s.Reversible {
			back = "Can be taken back."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s %s", s.Title, s.Does, back)
		if s.Destroys != "" {
			fmt.Fprintf(&b, " It destroys %s, which is kept first.", s.Destroys)
		}
		fmt.Fprintf(&b, "\n\n**How it is proved.** %s\n\n    /contain %s\n\n%syaml\n%s%s\n", s.Proof, s.Example, fence, roleYAML(s), fence)
	}
	return b.String()
}

const accountYAML = `apiVersion: v1
kind: Namespace
metadata: {name: tocsin}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: tocsin, namespace: tocsin}
`

// roleYAML is an action's role and what gives it to Tocsin.
func roleYAML(s actions.Spec) string {
	var b strings.Builder
	name := "tocsin-" + strings.TrimPrefix(s.Name, "kubernetes.")
	fmt.Fprintf(&b, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: %s}\nrules:\n", name)
	for _, r := range rulesOf(s.Rights) {
		fmt.Fprintf(&b, "- {apiGroups: [%q], resources: [%q], verbs: [%s]}\n", r.Groups[0], r.Resources[0], strings.Join(r.Verbs, ", "))
	}
	fmt.Fprintf(&b, `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
subjects: [{kind: ServiceAccount, name: tocsin, namespace: tocsin}]
`, name, name)
	return b.String()
}

// Whoever copies the page into a cluster has an account that doctor finds nothing to miss in.
func TestPageAsItIsApplied(t *testing.T) {
	w := newWorld(t)
	b, err := os.ReadFile(thePage)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/tocsin/serviceaccounts",
		"ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles", "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"}
	for _, block := range strings.Split(string(b), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, doc := range strings.Split(block, "---\n") {
			_, rest, _ := strings.Cut(doc, "kind: ")
			kind, _, _ := strings.Cut(rest, "\n")
			if status, said := w.c.yaml(places[kind], doc); status != http.StatusCreated {
				t.Fatalf("%s\n%d %s", doc, status, said)
			}
		}
	}
	w.token = w.c.must(t, http.MethodPost, "/api/v1/namespaces/tocsin/serviceaccounts/tocsin/token", obj{"spec": obj{"expirationSeconds": 3600}}).text("status", "token")
	for _, s := range Specs() {
		var missing []string
		until(t, "the roles are in effect", func() bool {
			var err error
			missing, err = w.action(s.Name).(actions.Checker).Check(t.Context())
			return err == nil && len(missing) == 0
		})
	}
	for _, no := range []string{"create pods", "create pods/exec", "create serviceaccounts/token", "impersonate users", "delete pods", "escalate clusterroles.rbac.authorization.k8s.io", "update secrets"} {
		if w.may(w.token, no) {
			t.Errorf("Tocsin's account may %s", no)
		}
	}
}
