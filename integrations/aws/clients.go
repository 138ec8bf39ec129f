package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/route53resolver"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
)

const maxAnswer = 8 << 20 // bytes; the longest honest answers, a page of instances or an IP set of 10,000, are far below

// clients are the services' clients. Those of regional services are made for a region
// when they are needed.
type clients struct {
	base sdk.Config
	conf Config
	iam  *iam.Client
	sts  *sts.Client
	door *sts.Client // signs as whoever assumes the role; the same as sts where none is assumed
}

func newClients(c Config) (*clients, error) {
	base := sdk.Config{Region: c.Region, Credentials: credentials.NewStaticCredentialsProvider(c.KeyID, string(c.SecretKey), string(c.SessionToken))}
	if c.KeyID == "" {
		var err error
		if base, err = config.LoadDefaultConfig(context.Background(), config.WithRegion(c.Region)); err != nil {
			return nil, errors.New("aws: the machine's shared configuration cannot be read; see ~/.aws/config")
		}
	}
	base.HTTPClient = bounded{caller(c.HTTP)}
	base.Retryer = func() sdk.Retryer { return sdk.NopRetryer{} }
	k := &clients{base: base, conf: c}
	k.sts = sts.NewFromConfig(base, func(o *sts.Options) {
		k.at("sts", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
	k.door = k.sts
	if c.Role != "" {
		assumed := stscreds.NewAssumeRoleProvider(k.sts, c.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "tocsin"
			if c.ExternalID != "" {
				o.ExternalID = sdk.String(string(c.ExternalID))
			}
		})
		k.base.Credentials = sdk.NewCredentialsCache(assumed)
		k.sts = sts.NewFromConfig(k.base, func(o *sts.Options) {
			k.at("sts", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
		})
	}
	k.iam = iam.NewFromConfig(k.base, func(o *iam.Options) {
		k.at("iam", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
	return k, nil
}

func (k *clients) ec2(region string) *ec2.Client {
	return ec2.NewFromConfig(k.base, func(o *ec2.Options) {
		o.Region = region
		k.at("ec2", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
}

func (k *clients) waf(region string) *wafv2.Client {
	return wafv2.NewFromConfig(k.base, func(o *wafv2.Options) {
		o.Region = region
		k.at("wafv2", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
}

func (k *clients) resolver(region string) *route53resolver.Client {
	return route53resolver.NewFromConfig(k.base, func(o *route53resolver.Options) {
		o.Region = region
		k.at("route53resolver", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
}

// s3 is the client for buckets of a region. anyone: it signs nothing, as a stranger.
func (k *clients) s3(region string, anyone bool) *s3.Client {
	return s3.NewFromConfig(k.base, func(o *s3.Options) {
		o.Region = region
		k.at("s3", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
		o.UsePathStyle = o.BaseEndpoint != nil // a private endpoint has no name for each bucket
		if anyone {
			o.Credentials = sdk.AnonymousCredentials{}
		}
	})
}

func (k *clients) guardduty(region string) *guardduty.Client {
	return guardduty.NewFromConfig(k.base, func(o *guardduty.Options) {
		o.Region = region
		k.at("guardduty", &o.BaseEndpoint, &o.EndpointOptions.UseFIPSEndpoint, &o.EndpointOptions.UseDualStackEndpoint)
	})
}

// at sets where a service is: the configured endpoint, or the partition's own.
func (k *clients) at(service string, base **string, fips *sdk.FIPSEndpointState, dual *sdk.DualStackEndpointState) {
	if at, ok := k.endpoint(service); ok {
		*base = sdk.String(at)
		return // the SDK refuses a custom endpoint together with FIPS or dual-stack
	}
	if k.conf.FIPS {
		*fips = sdk.FIPSEndpointStateEnabled
	}
	if k.conf.DualStack {
		*dual = sdk.DualStackEndpointStateEnabled
	}
}

func (k *clients) endpoint(service string) (string, bool) {
	at, ok := k.conf.Endpoints[service]
	if !ok {
		at, ok = k.conf.Endpoints[""]
	}
	return strings.TrimRight(at, "/"), ok
}

// caller follows no redirect: a signature belongs to one host.
func caller(h *http.Client) *http.Client {
	own := http.Client{Timeout: patience + time.Second}
	if h != nil {
		own = *h
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// bounded breaks off answers that are longer than any honest one.
type bounded struct{ *http.Client }

// Do hands on the request with a body that can only be read. smithy-go closes the body as
// soon as there is an answer, and its WriteTo then says io.EOF, which net/http takes for a
// failed write when it is still looking for the body's end: it closes the connection under
// the answer. Read says io.EOF too, where that is nothing bad.
func (b bounded) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		plain := *req
		plain.Body = struct{ io.ReadCloser }{req.Body}
		req = &plain
	}
	resp, err := b.Client.Do(req) //nolint:gosec // it goes to AWS, or to where the configuration says
	if err == nil {
		resp.Body = &short{resp.Body, maxAnswer}
	}
	return resp, err
}

type short struct {
	io.ReadCloser
	left int
}

func (s *short) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errors.New("the answer is too long")
	}
	n, err := s.ReadCloser.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}
