package bucket_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what an ETag is
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// honest is an honest S3 with one bucket, "acme-evidence". It knows PutObject, GetObject and
// DeleteObject, recomputes every signature and every digest, gives an ETag, and refuses
// the rest. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
type honest struct {
	t   *testing.T
	url string

	// mu guards everything that follows.
	mu      sync.Mutex
	objects map[string][]byte // by key
	denied  map[string]bool   // methods that the credentials have no right to
	broken  int               // so many more requests are answered 500
	cut     int               // so many more uploads break off in the middle
	short   bool              // downloads break off in the middle
	slow    chan struct{}     // answers wait for it; nil: they do not
	seen    []string          // method and key of each request that was let in
}

const (
	keyID  = "AKIATOCSINTOCSINTOCS"
	secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYSECRETKEY" // of nobody
	region = "eu-central-1"
	name   = "acme-evidence"
)

func newHonest(t *testing.T) *honest {
	h := &honest{t: t, objects: map[string][]byte{}, denied: map[string]bool{}}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	h.url = s.URL
	return h
}

func (h *honest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	wait := h.slow
	cut := r.Method == http.MethodPut && h.cut > 0
	if cut {
		h.cut--
	}
	h.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
			return
		}
	}
	if cut {
		_, _ = io.CopyN(io.Discard, r.Body, 10)
		panic(http.ErrAbortHandler) // the connection breaks
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
		h.no(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if status, code := h.refuses(r, body); code != "" {
		h.no(w, status, code)
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/"+name+"/")
	h.seen = append(h.seen, r.Method+" "+key)
	object, there := h.objects[key]
	switch r.Method {
	case http.MethodPut:
		h.objects[key] = body
		w.Header().Set("ETag", etag(body))
	case http.MethodGet:
		if !there {
			h.no(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(object))
		w.Header().Set("Content-Length", itoa(len(object)))
		if h.short {
			_, _ = w.Write(object[:len(object)/2])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(object)
	case http.MethodDelete:
		delete(h.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		h.no(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

// refuses judges a request before it does anything.
func (h *honest) refuses(r *http.Request, body []byte) (int, string) {
	if code := h.signed(r, body); code != "" {
		return http.StatusForbidden, code
	}
	if h.broken > 0 {
		h.broken--
		return http.StatusInternalServerError, "InternalError"
	}
	sum := sha256.Sum256(body)
	switch said := r.Header.Get("X-Amz-Checksum-Sha256"); {
	case !strings.HasPrefix(r.URL.Path, "/"+name+"/"):
		return http.StatusNotFound, "NoSuchBucket"
	case h.denied[r.Method]:
		return http.StatusForbidden, "AccessDenied"
	case said != "" && said != base64.StdEncoding.EncodeToString(sum[:]):
		return http.StatusBadRequest, "BadDigest"
	case r.Method == http.MethodPut && (said == "" || r.ContentLength < 0):
		return http.StatusLengthRequired, "MissingContentLength"
	}
	return 0, ""
}

// signed recomputes the signature over what was signed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func (h *honest) signed(r *http.Request, body []byte) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	fields := map[string]string{}
	for _, f := range strings.Split(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[k] = v
	}
	scope := strings.Split(fields["Credential"], "/")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case scheme != "AWS4-HMAC-SHA256" || len(scope) != 5 || err != nil || fields["Signature"] == "":
		return "AccessDenied"
	case scope[0] != keyID:
		return "InvalidAccessKeyId"
	case scope[1] != at.Format("20060102") || scope[2] != region || scope[3] != "s3" || scope[4] != "aws4_request":
		return "AuthorizationHeaderMalformed"
	case time.Since(at).Abs() > 15*time.Minute:
		return "RequestTimeTooSkewed"
	}
	sum := sha256.Sum256(body)
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash != hex.EncodeToString(sum[:]) {
		return "XAmzContentSHA256Mismatch"
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	if !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") || !slices.Contains(names, "x-amz-content-sha256") {
		return "AccessDenied"
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return "InvalidURI"
	}
	again.ContentLength = 0
	for _, n := range names {
		switch n {
		case "content-length":
			again.ContentLength = r.ContentLength
		case "host":
		default:
			again.Header[http.CanonicalHeaderKey(n)] = r.Header.Values(n)
		}
	}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		SignHTTP(r.Context(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, again, hash, "s3", region, at)
	if err != nil || again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func (h *honest) no(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: "the message of the other side, " + secret})
}

func etag(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // what an ETag is
	return `"` + hex.EncodeToString(sum[:]) + `"`
}
