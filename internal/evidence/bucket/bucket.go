// Package bucket keeps evidence in S3, or in what speaks like it (MinIO, Ceph, R2):
// s3://bucket/prefix?region=eu-central-1&endpoint=https://minio.example.com. Credentials
// come from the environment, as every S3 client finds them (AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, a profile, the machine's role), never from the address.
//
// What is sent is sealed already, and stands under its own digest, so that whoever runs
// the bucket can neither read nor change it unnoticed. It goes by way of a file on this
// machine, sealed too: the digest is the name and has to be known before the first byte
// is sent, and what is fetched is proved before the first byte is given out.
//
// Rights it needs: s3:PutObject, s3:GetObject and s3:DeleteObject on the prefix. With
// s3:ListBucket a missing item is told from a forbidden one.
package bucket

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/tocsin-ir/tocsin/internal/evidence"
)

// patience is how long an answer may take to begin.
const patience = time.Minute

// Place is where evidence stands.
type Place struct {
	Bucket   string
	Prefix   string // without slashes at its ends; "" for none
	Region   string // "" for what the environment says
	Endpoint string // "" for AWS
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	regionName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	prefixName = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
)

// ParsePlace reads an address. It errs for what it does not know, and for a password in
// it: an address is shown and logged.
func ParsePlace(address string) (Place, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" {
		return Place{}, errors.New("the address of the bucket is not s3://bucket/prefix")
	}
	if u.User != nil || u.Fragment != "" {
		return Place{}, errors.New("the address of the bucket may hold no name or password: credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)")
	}
	p := Place{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if !bucketName.MatchString(p.Bucket) {
		return Place{}, fmt.Errorf("%q cannot be the name of a bucket", p.Bucket)
	}
	if p.Prefix != "" && (!prefixName.MatchString(p.Prefix) || path.Clean("/"+p.Prefix) != "/"+p.Prefix) {
		return Place{}, fmt.Errorf("%q cannot be a prefix", p.Prefix)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Place{}, errors.New("the address of the bucket cannot be read after its ?")
	}
	for key, values := range query {
		switch {
		case key == "region" && len(values) == 1 && regionName.MatchString(values[0]):
			p.Region = values[0]
		case key == "endpoint" && len(values) == 1 && isEndpoint(values[0]):
			p.Endpoint = values[0]
		default:
			return Place{}, fmt.Errorf("the address of the bucket has a %q that is not understood; there are region and endpoint", key)
		}
	}
	return p, nil
}

func isEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && strings.Trim(u.Path, "/") == ""
}

// Options are for tests, and for whoever has credentials at hand. The zero value takes
// them from the environment.
type Options struct {
	Credentials aws.CredentialsProvider
	HTTP        *http.Client
	Spool       string // folder for sealed bytes on their way; "" for the machine's
}

// Bucket is evidence in S3. See Open.
type Bucket struct {
	place Place
	s3    *s3.Client
	spool string
}

var _ evidence.Store = (*Bucket)(nil)

// Open makes a store of a place. It asks nothing of the bucket: whether it is there is
// found when something is kept.
func Open(ctx context.Context, p Place, o Options) (*Bucket, error) {
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = patience }))}
	if p.Region != "" {
		load = append(load, config.WithRegion(p.Region))
	}
	if o.Credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.Credentials))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, errors.New("open the bucket: the machine's shared AWS configuration cannot be read; see ~/.aws/config")
	}
	if c.Region == "" {
		if p.Endpoint == "" {
			return nil, errors.New("open the bucket: no region; write s3://bucket/prefix?region=eu-central-1")
		}
		c.Region = "us-east-1" // what servers that have no regions are signed for
	}
	if o.HTTP != nil {
		c.HTTPClient = o.HTTP
	}
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		// Ours are in the request already; servers that speak like S3 know no others.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if p.Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(p.Endpoint), true
		}
	})
	return &Bucket{p, client, o.Spool}, nil
}

// Close has nothing to let go of.
func (*Bucket) Close() error { return nil }

func (b *Bucket) key(of, stored string) *string {
	return aws.String(path.Join(b.place.Prefix, of, stored))
}

// Put seals into a file and sends it. The bucket computes the digest again and refuses
// what did not arrive as it was sent.
func (b *Bucket) Put(ctx context.Context, of string, r io.Reader, limit int64) (evidence.Item, error) {
	if err := evidence.CheckCase(of); err != nil {
		return evidence.Item{}, fmt.Errorf("keep evidence: %w", err)
	}
	f, err := b.file()
	if err != nil {
		return evidence.Item{}, fmt.Errorf("keep evidence: %w", err)
	}
	defer func() { _ = f.Close() }()
	item, err := evidence.Seal(ctx, f, r, limit)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return evidence.Item{}, fmt.Errorf("keep evidence: %w", err)
	}
	sum, _ := hex.DecodeString(item.Stored) // just made
	_, err = b.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.place.Bucket, Key: b.key(of, item.Stored), Body: f, ContentLength: aws.Int64(evidence.SealedSize(item.Size)),
		ContentType: aws.String("application/octet-stream"), ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)),
	})
	if err != nil {
		return evidence.Item{}, fmt.Errorf("keep evidence: %w", b.plain(err, "s3:PutObject"))
	}
	return item, nil
}

// Open fetches an item into a file and proves it. No more is read than the item can have.
func (b *Bucket) Open(ctx context.Context, of string, item evidence.Item) (io.ReadCloser, error) {
	content, err := b.open(ctx, of, item)
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	return content, nil
}

func (b *Bucket) open(ctx context.Context, of string, item evidence.Item) (io.ReadCloser, error) {
	if err := evidence.CheckName(of, item.Stored); err != nil {
		return nil, err
	}
	got, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.place.Bucket, Key: b.key(of, item.Stored)})
	if err != nil {
		return nil, b.plain(err, "s3:GetObject")
	}
	defer func() { _ = got.Body.Close() }()
	f, err := b.file()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, io.LimitReader(got.Body, evidence.SealedSize(item.Size)+1))
	if err != nil {
		return nil, errors.Join(b.plain(err, "s3:GetObject"), f.Close())
	}
	if n != evidence.SealedSize(item.Size) {
		return nil, errors.Join(evidence.ErrChanged, f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return evidence.Unseal(f, item)
}

// Remove deletes an item. A bucket that keeps versions keeps this one too: what is in
// it stays unreadable, as its key is gone.
func (b *Bucket) Remove(ctx context.Context, of, stored string) error {
	if err := evidence.CheckName(of, stored); err != nil {
		return fmt.Errorf("destroy evidence: %w", err)
	}
	_, err := b.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.place.Bucket, Key: b.key(of, stored)})
	if err = b.plain(err, "s3:DeleteObject"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("destroy evidence: %w", err)
	}
	return nil
}

// file is one that nobody else can open and that is gone when it is closed, whatever
// becomes of this process.
func (b *Bucket) file() (*os.File, error) {
	f, err := os.CreateTemp(b.spool, "tocsin-sealed-")
	if err != nil {
		return nil, fmt.Errorf("make a file on the way to the bucket: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("make a file on the way to the bucket: %w", err), f.Close())
	}
	return f, nil
}

// plain says what a bucket refused, in words of ours: an SDK's error quotes the
// request, and whatever the other side answered.
func (b *Bucket) plain(err error, right string) error {
	if err == nil {
		return nil
	}
	var said smithy.APIError
	var http *awshttp.ResponseError
	code := ""
	if errors.As(err, &said) {
		code = said.ErrorCode()
	}
	status := 0
	if errors.As(err, &http) {
		status = http.HTTPStatusCode()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the bucket %s was too slow: %w", b.place.Bucket, context.DeadlineExceeded)
	case code == "NoSuchBucket":
		return fmt.Errorf("there is no bucket %s", b.place.Bucket)
	case code == "NoSuchKey" || status == 404:
		return fmt.Errorf("it is not in the bucket %s: %w", b.place.Bucket, fs.ErrNotExist)
	case status == 401 || status == 403:
		return fmt.Errorf("the bucket %s refuses (%s): the credentials are wrong or lack %s", b.place.Bucket, known(code), right)
	case status != 0:
		return fmt.Errorf("the bucket %s answers %d (%s)", b.place.Bucket, status, known(code))
	}
	return fmt.Errorf("the bucket %s cannot be reached, or the connection broke", b.place.Bucket)
}

var codeName = regexp.MustCompile(`^[A-Za-z0-9]{1,60}$`)

func known(code string) string {
	if !codeName.MatchString(code) {
		return "no reason given"
	}
	return code
}
