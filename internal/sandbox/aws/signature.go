package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// credentials are whoever may sign.
type credentials struct{ id, secret, session string }

const maxSkew = 5 * time.Minute

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]{16,128})/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// signed checks the request's Signature Version 4 by computing it again,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (s *Server) signed(r *http.Request, body []byte) (*asked, *refusal) {
	q := &asked{Request: r, body: body}
	part := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if part == nil {
		return q, &refusal{http.StatusForbidden, "MissingAuthenticationToken"}
	}
	q.region, q.service = part[3], part[4]
	who, known := s.keys[part[1]]
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	switch {
	case !known || r.Header.Get("X-Amz-Security-Token") != who.session:
		return q, &refusal{http.StatusForbidden, "InvalidClientTokenId"}
	case err != nil || time.Since(at).Abs() > maxSkew || at.Format("20060102") != part[2]:
		return q, &refusal{http.StatusForbidden, "SignatureDoesNotMatch"}
	}
	hash := hexSum(body)
	if said := r.Header.Get("X-Amz-Content-Sha256"); said != "" && said != hash {
		return q, &refusal{http.StatusBadRequest, "XAmzContentSHA256Mismatch"}
	}
	names := strings.Split(part[5], ";")
	if !slices.IsSorted(names) || !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") {
		return q, &refusal{http.StatusForbidden, "SignatureDoesNotMatch"}
	}
	scope := strings.Join([]string{part[2], q.region, q.service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum([]byte(canonical(r, q.service, names, hash)))}, "\n")
	key := []byte("AWS4" + who.secret)
	for _, piece := range strings.Split(scope, "/") {
		key = mac(key, piece)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, text))), []byte(part[6])) {
		return q, &refusal{http.StatusForbidden, "SignatureDoesNotMatch"}
	}
	return q, nil
}

// canonical is the form of a request that is signed. Every service but S3 escapes the
// path once more.
func canonical(r *http.Request, service string, names []string, hash string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if service != "s3" {
		path = escapeOnceMore(path)
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, path, query)
	for _, name := range names {
		values := r.Header.Values(name)
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{fmt.Sprint(r.ContentLength)}
		}
		trimmed := make([]string, 0, len(values))
		for _, v := range values {
			trimmed = append(trimmed, strings.Join(strings.Fields(v), " "))
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(trimmed, ","))
	}
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(names, ";"), hash)
	return b.String()
}

func escapeOnceMore(path string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
	var b strings.Builder
	for i := range len(path) {
		if strings.IndexByte(plain, path[i]) >= 0 {
			b.WriteByte(path[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", path[i])
		}
	}
	return b.String()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
