package kubernetes

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
)

// A stolen token of a build account lists pods. Without its bindings it is known and may
// nothing; on release it may again what it might, and the other subject was never touched.
func TestAccountWithoutRights(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.disable-service-account"))
	stolen := w.account("builder")
	everywhere := w.bindEverywhere("builder")
	_, r, proof := w.done("kubernetes.disable-service-account", "system:serviceaccount:"+w.ns+":builder", nil)
	if proof.Standing != actions.InEffect {
		t.Errorf("%+v", proof)
	}
	until(t, "the token may list no pods", func() bool { return w.works(stolen) == http.StatusForbidden })
	left := w.see(w.apis("rbac.authorization.k8s.io/v1", "rolebindings/builders")).list("subjects")
	if len(left) != 1 || left[0].text("name") != "carol" {
		t.Errorf("others than the account were touched: %v", left)
	}
	if len(w.see(everywhere).list("subjects")) != 0 {
		t.Error("as the user that it also is, the account is still bound")
	}
	if _, err := w.action("kubernetes.disable-service-account").(actions.Undoer).Undo(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	until(t, "the token may list pods again", func() bool { return w.works(stolen) == 200 })
	if got := w.see(everywhere).list("subjects"); len(got) != 1 || got[0].text("kind") != "User" {
		t.Errorf("the binding is not as it was: %v", got)
	}
}

// Tokens that nobody has a list of stop being believed when their account is made anew;
// one that is issued afterwards works, by the bindings that are still there.
func TestStolenTokensAreRevoked(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.revoke-service-account-tokens"))
	stolen := w.account("builder")
	w.storedToken("forever", "builder")
	p, _, proof := w.done("kubernetes.revoke-service-account-tokens", w.ns+"/builder", nil)
	if proof.Standing != actions.InEffect || !says(p.Lost, "every token") {
		t.Errorf("%+v, %q", proof, p.Lost)
	}
	until(t, "the stolen token is not believed", func() bool { return w.works(stolen) == http.StatusUnauthorized })
	until(t, "the cluster deleted the stored token", func() bool { return w.see(w.core("secrets/forever")) == nil })
	fresh := w.make(w.core("serviceaccounts/builder/token"), obj{"spec": obj{"expirationSeconds": 3600}}).text("status", "token")
	if got := w.works(fresh); got != 200 {
		t.Errorf("the account made anew cannot work: %d", got)
	}
	sa := w.see(w.core("serviceaccounts/builder"))
	if sa.text("metadata", "annotations", "mail") != "build@example.test" || len(sa.list("imagePullSecrets")) != 1 {
		t.Errorf("the account is not as it was: %v", sa)
	}
}

// Whoever dies between deleting an account and making it anew finishes when asked again.
func TestRevokingIsResumed(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.revoke-service-account-tokens"))
	w.account("builder")
	a := w.action("kubernetes.revoke-service-account-tokens")
	p, err := a.Plan(t.Context(), actions.Input{Target: w.ns + "/builder", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	w.failAfter(1) // the deletion comes through, and then the API server is out of breath
	_, err = a.Do(t.Context(), p)
	var half *actions.Partial
	if !errors.As(err, &half) || len(half.NotDone) != 1 {
		t.Fatalf("do answered %v", err)
	}
	if w.see(w.core("serviceaccounts/builder")) != nil {
		t.Fatal("the story wants the account to be missing here")
	}
	w.Fail(0, 0, false)
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatalf("asked again: %v", err)
	}
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.InEffect {
		t.Errorf("%+v, %v", proof, err)
	}
}

// A token that is kept in a Secret ends with it.
func TestStoredTokenIsDeleted(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.delete-token-secrets"))
	w.account("builder")
	w.storedToken("forever", "builder")
	stolen := string(unbase64(t, w.see(w.core("secrets/forever")).text("data", "token")))
	w.secrets = append(w.secrets, stolen)
	until(t, "it works", func() bool { return w.works(stolen) == 200 })
	w.make(w.core("secrets"), obj{"metadata": obj{"name": "registry"}, "stringData": obj{"password": "p"}})
	w.done("kubernetes.delete-token-secrets", w.ns+"/builder", nil)
	until(t, "it is not believed", func() bool { return w.works(stolen) == http.StatusUnauthorized })
	if w.see(w.core("secrets/registry")) == nil {
		t.Error("another Secret is gone")
	}
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
