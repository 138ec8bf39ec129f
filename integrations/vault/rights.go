package vault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// The rights, in the words of a policy: capability and path.
const (
	readSelf    = `read "auth/token/lookup-self"`
	listLeases  = `list, sudo "sys/leases/lookup/*"`
	revokeLease = `update, sudo "sys/leases/revoke-prefix/*"`
	readToken   = `update "auth/token/lookup-accessor"` //nolint:gosec // a path
	revokeToken = `update "auth/token/revoke-accessor"` //nolint:gosec // a path
	readMounts  = `read "sys/auth"`
	listRoles   = `list "auth/+/role"`
	changeRoles = `read, create, update, delete "auth/+/role/*"`
)

func rights() []string {
	return []string{readSelf, listLeases, revokeLease, readToken, revokeToken, readMounts, listRoles, changeRoles}
}

func split(right string) (capabilities []string, at string) {
	words, at, _ := strings.Cut(right, ` "`)
	return strings.Split(words, ", "), strings.TrimSuffix(at, `"`)
}

// Policy is the policy document to install, as HCL. A role below a mount such as
// "auth/team/approle" wants a line of its own: "+" stands for one piece of a path.
func Policy() string {
	var out strings.Builder
	for _, r := range rights() {
		words, at := split(r)
		fmt.Fprintf(&out, "path %q {\n  capabilities = [\"%s\"]\n}\n", at, strings.Join(words, `", "`))
	}
	fmt.Fprintf(&out, "path \"auth/+/role/+/secret-id\" {\n  capabilities = [\"list\"]\n}\n")
	return out.String()
}

// Check asks Vault what Tocsin's token may do, and returns the rights that are missing,
// one line each (https://developer.hashicorp.com/vault/api-docs/system/capabilities-self).
func (v *vault) Check(ctx context.Context) ([]string, error) {
	var got struct {
		Data map[string]any `json:"data"`
	}
	var paths []string
	for _, r := range rights() {
		_, at := split(r)
		paths = append(paths, example(at))
	}
	_, err := v.rest.Do(ctx, rest.Call{Step: "ask what Tocsin's token may do", Method: http.MethodPost, Path: path("sys/capabilities-self"),
		In: map[string]any{"paths": paths}, Out: &got, Right: `update "sys/capabilities-self"`})
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, r := range rights() {
		want, at := split(r)
		have, _ := got.Data[example(at)].([]any)
		if slices.Contains(have, any("root")) {
			continue
		}
		for _, w := range want {
			if !slices.Contains(have, any(w)) {
				missing = append(missing, (&actions.MissingRight{Right: r, To: "contain in Vault"}).Error())
				break
			}
		}
	}
	return missing, nil
}

// example is a path that the pattern of a policy matches.
func example(at string) string {
	return strings.ReplaceAll(strings.ReplaceAll(at, "+", "approle"), "*", "tocsin-check")
}

func opened(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}
