package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/tocsin-ir/tocsin/internal/evidence/bucket"
	"github.com/tocsin-ir/tocsin/internal/evidence/evidencetest"
)

func itoa(n int) string { return strconv.Itoa(n) }

func opened(t *testing.T, h *honest, with aws.CredentialsProvider) (*bucket.Bucket, string) {
	t.Helper()
	p, err := bucket.ParsePlace("s3://" + name + "/tocsin/main?region=" + region + "&endpoint=" + h.url)
	if err != nil {
		t.Fatal(err)
	}
	spool := t.TempDir()
	b, err := bucket.Open(t.Context(), p, bucket.Options{Credentials: with, HTTP: &http.Client{}, Spool: spool})
	if err != nil {
		t.Fatal(err)
	}
	return b, spool
}

func ours() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(keyID, secret, "")
}

func TestABucketKeepsEvidence(t *testing.T) {
	evidencetest.Conform(t, func(t *testing.T) evidencetest.Bench {
		h := newHonest(t)
		b, _ := opened(t, h, ours())
		at := func(of, stored string) string { return "tocsin/main/" + of + "/" + stored }
		return evidencetest.Bench{
			Store: b,
			Raw: func(of, stored string) ([]byte, bool) {
				h.mu.Lock()
				defer h.mu.Unlock()
				got, ok := h.objects[at(of, stored)]
				return got, ok
			},
			Overwrite: func(of, stored string, b []byte) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.objects[at(of, stored)] = b
			},
			Names: func(of string) (names []string) {
				h.mu.Lock()
				defer h.mu.Unlock()
				for k := range h.objects {
					if strings.HasPrefix(k, at(of, "")) {
						names = append(names, k)
					}
				}
				return names
			},
		}
	})
}

// Whatever goes wrong is told in a sentence that names the right that is missing, and
// never what the other side wrote.
func TestABucketThatRefuses(t *testing.T) {
	t.Parallel()
	h := newHonest(t)
	b, spool := opened(t, h, ours())
	item, err := b.Put(t.Context(), "INC-0001", strings.NewReader("kept"), 100)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b *bucket.Bucket) error {
		_, err := b.Put(t.Context(), "INC-0001", strings.NewReader("more"), 100)
		return err
	}
	stranger, _ := opened(t, h, credentials.NewStaticCredentialsProvider("AKIASOMEBODYELSE0000", secret, ""))
	forger, _ := opened(t, h, credentials.NewStaticCredentialsProvider(keyID, "another", ""))
	nobody, _ := opened(t, h, aws.AnonymousCredentials{})
	for _, c := range []struct {
		what string
		do   func() error
		says string
	}{
		{"another key", func() error { return put(stranger) }, "refuses (InvalidAccessKeyId): the credentials are wrong or lack s3:PutObject"},
		{"a wrong secret", func() error { return put(forger) }, "refuses (SignatureDoesNotMatch)"},
		{"no credentials", func() error { return put(nobody) }, "refuses (AccessDenied)"},
		{"no right to read", func() error {
			h.deny(http.MethodGet)
			_, err := evidencetest.Read(t.Context(), b, "INC-0001", item)
			return err
		}, "lack s3:GetObject"},
		{"no right to delete", func() error { h.deny(http.MethodDelete); return b.Remove(t.Context(), "INC-0001", item.Stored) }, "lack s3:DeleteObject"},
		{"no such bucket", func() error {
			p, _ := bucket.ParsePlace("s3://another?region=" + region + "&endpoint=" + h.url)
			other, err := bucket.Open(t.Context(), p, bucket.Options{Credentials: ours(), HTTP: &http.Client{}})
			if err != nil {
				return err
			}
			return put(other)
		}, "there is no bucket another"},
		{"nobody there", func() error {
			p, _ := bucket.ParsePlace("s3://" + name + "?region=" + region + "&endpoint=http://127.0.0.1:1")
			other, err := bucket.Open(t.Context(), p, bucket.Options{Credentials: ours(), HTTP: &http.Client{}})
			if err != nil {
				return err
			}
			return put(other)
		}, "cannot be reached"},
	} {
		err := c.do()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "message of the other side")) {
			t.Errorf("%s: it tells too much: %v", c.what, err)
		}
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) != 0 {
		t.Errorf("left behind on this machine: %v, %v", left, err)
	}
}

func (h *honest) deny(methods ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.denied = map[string]bool{}
	for _, m := range methods {
		h.denied[m] = true
	}
}

// What breaks on the way is sent again, and is there whole or not at all.
func TestATroubledWayToTheBucket(t *testing.T) {
	t.Parallel()
	h := newHonest(t)
	b, _ := opened(t, h, ours())
	content := bytes.Repeat([]byte("memory "), 60_000)
	h.set(func() { h.cut, h.broken = 1, 1 })
	item, err := b.Put(t.Context(), "INC-0001", bytes.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal("one cut upload and one bad answer were not got over:", err)
	}
	if got, err := evidencetest.Read(t.Context(), b, "INC-0001", item); err != nil || !bytes.Equal(got, content) {
		t.Fatal(len(got), err)
	}
	h.set(func() { h.cut = 100 })
	if _, err := b.Put(t.Context(), "INC-0002", bytes.NewReader(content), 1<<20); err == nil {
		t.Error("kept, though every upload was cut")
	}
	h.set(func() { h.cut, h.short = 0, true })
	if _, err := evidencetest.Read(t.Context(), b, "INC-0001", item); err == nil {
		t.Error("a cut download was given out")
	}
	h.set(func() { h.short = false })
	wait := make(chan struct{})
	defer close(wait)
	h.set(func() { h.slow = wait })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.Put(ctx, "INC-0003", strings.NewReader("x"), 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("a slow bucket was waited for:", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.objects {
		if !strings.Contains(key, "INC-0001/") {
			t.Errorf("something is there that was not kept: %s", key)
		}
	}
}

func (h *honest) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func TestAddressesOfBuckets(t *testing.T) {
	for address, want := range map[string]bucket.Place{
		"s3://acme":                          {Bucket: "acme"},
		"s3://acme/":                         {Bucket: "acme"},
		"s3://acme/a/b?region=eu-central-1":  {Bucket: "acme", Prefix: "a/b", Region: "eu-central-1"},
		"s3://acme?endpoint=http://host:900": {Bucket: "acme", Endpoint: "http://host:900"},
		"s3://acme/x?endpoint=https://h.example.com&region=r": {Bucket: "acme", Prefix: "x", Endpoint: "https://h.example.com", Region: "r"},
	} {
		if got, err := bucket.ParsePlace(address); err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	for _, address := range []string{"", "acme", "https://acme", "s3://", "s3://A", "s3://acme/../x", "s3://acme/a//b", "s3://key:secret@acme", "s3://acme?regoin=x",
		"s3://acme?region=a&region=b", "s3://acme?endpoint=ftp://x", "s3://acme?endpoint=https://u:p@x", "s3://acme/%2e%2e/x", "s3://acme/a b", "s3://acme?endpoint=https://x/y", "s3://acme#x"} {
		if got, err := bucket.ParsePlace(address); err == nil {
			t.Errorf("%s is taken: %+v", address, got)
		} else if strings.Contains(err.Error(), "secret@") {
			t.Errorf("it shows the password: %v", err)
		}
	}
	if _, err := bucket.Open(t.Context(), bucket.Place{Bucket: "acme"}, bucket.Options{Credentials: ours()}); err == nil && os.Getenv("AWS_REGION") == "" {
		t.Error("no region, and none is asked for")
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"s3://acme/a/b?region=eu-central-1&endpoint=https://x", "s3://a@b", "s3://acme/%2e%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := bucket.ParsePlace(s)
		if err == nil && (strings.Contains(p.Prefix, "..") && strings.Contains("/"+p.Prefix+"/", "/../") || strings.ContainsAny(p.Bucket, "/ \n")) {
			t.Errorf("%q: %+v", s, p)
		}
	})
}
