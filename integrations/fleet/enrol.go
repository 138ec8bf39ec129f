package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

const tokenPrefix = "tocsin_enrol_" //nolint:gosec // a prefix, no credential

var (
	tokenShape   = regexp.MustCompile(`^` + tokenPrefix + `([a-z2-7]{10})_([A-Z2-7]{52})_([A-Z2-7]{52})$`)
	hostShape    = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$`)
	machineShape = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// How long an enrolment token may be good for.
const (
	TokenDefault = time.Hour
	TokenMost    = 7 * 24 * time.Hour
)

// MakeToken makes a token that enrols one host, once. With a host's name it is for that host alone
// and may replace its agent. The text is given this once; only its hash is kept.
func (f *Fleet) MakeToken(ctx context.Context, host, by string, good time.Duration) (text string, t Token, err error) {
	host = strings.ToLower(host)
	if host != "" && !hostShape.MatchString(host) {
		return "", t, fmt.Errorf("%q is not the name of a host: small letters, digits, dots and dashes, at most 128", host)
	}
	if good <= 0 || good > TokenMost {
		return "", t, errors.New("an enrolment token is good for between a moment and 7 days")
	}
	now := f.c.Now()
	t = Token{ID: strings.ToLower(rand.Text()[:10]), Host: host, By: by, Made: now, Expires: now.Add(good)}
	text = tokenPrefix + t.ID + "_" + rand.Text() + rand.Text() + "_" + f.authority.fingerprint()
	sum := sha256.Sum256([]byte(text))
	t.Hash = sum[:]
	if err := f.c.Book.AddToken(ctx, t); err != nil {
		return "", t, err
	}
	f.c.Log.Info("an enrolment token was made", "token", t.ID, "host", t.Host, "by", by, "expires", t.Expires)
	return text, t, nil
}

// desk answers those who have no certificate yet.
type desk struct{ *Fleet }

// Enrol trades a token for a certificate. Whoever has no token learns nothing, not even which hosts
// there are.
func (f desk) Enrol(ctx context.Context, r *connect.Request[wire.EnrolRequest]) (*connect.Response[wire.EnrolResponse], error) {
	shape := tokenShape.FindStringSubmatch(r.Msg.GetToken())
	if shape == nil {
		return nil, refused(connect.CodeUnauthenticated, "a token is needed, as tocsin sensor token printed it")
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t, err := f.tokenOf(ctx, shape[1], r.Msg.GetToken())
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(r.Msg.GetHost())
	switch {
	case !hostShape.MatchString(host):
		return nil, refused(connect.CodeInvalidArgument, "a host is named with small letters, digits, dots and dashes, at most 128")
	case !machineShape.MatchString(r.Msg.GetMachine()):
		return nil, refused(connect.CodeInvalidArgument, "the machine is not named")
	case t.Host != "" && t.Host != host:
		f.c.Log.Warn("a token for one host was used by another", "token", t.ID, "for", t.Host, "by", host)
		return nil, refused(connect.CodePermissionDenied, "this token is for another host")
	}
	a := Agent{ID: strings.ToLower(rand.Text()[:16]), Host: host, Machine: r.Msg.GetMachine(), Enrolled: f.c.Now()}
	cert, err := f.authority.issue(r.Msg.GetCsr(), a.ID, host)
	if err != nil {
		return nil, refused(connect.CodeInvalidArgument, err.Error())
	}
	was := f.agentAt(host)
	switch err := f.c.Book.Enrol(ctx, t.ID, a, t.Host != ""); {
	case errors.Is(err, ErrSpent):
		f.c.Log.Warn("an enrolment token was used again", "token", t.ID, "host", host)
		return nil, refused(connect.CodeUnauthenticated, "this token is good for nothing (any more)")
	case errors.Is(err, ErrTaken):
		return nil, refused(connect.CodeAlreadyExists, fmt.Sprintf("a host named %s is enrolled already; to replace it make a token for it: tocsin sensor token --host %s", host, host))
	case err != nil:
		f.c.Log.Error("enrol a host", "host", host, "err", err)
		return nil, refused(connect.CodeInternal, "that did not work; the reason is in the server's log")
	}
	f.welcome(a, was)
	f.c.Log.Info("a host is enrolled", "host", host, "agent", a.ID, "token", t.ID)
	return connect.NewResponse(&wire.EnrolResponse{Agent: a.ID, Workspace: f.c.Workspace, Host: host, Certificate: cert, Authority: f.authority.cert.Raw, Key: f.key()}), nil
}

// tokenOf finds the token that the text is, if it is good for anything. All refusals are one.
func (f *Fleet) tokenOf(ctx context.Context, id, text string) (Token, error) {
	no := refused(connect.CodeUnauthenticated, "this token is good for nothing (any more)")
	t, ok, err := f.c.Book.Token(ctx, id)
	if err != nil {
		f.c.Log.Error("find an enrolment token", "err", err)
		return t, refused(connect.CodeInternal, "that did not work; the reason is in the server's log")
	}
	sum := sha256.Sum256([]byte(text))
	if !ok || subtle.ConstantTimeCompare(sum[:], t.Hash) != 1 {
		return t, no
	}
	if !t.Spent.IsZero() || !f.c.Now().Before(t.Expires) {
		f.c.Log.Warn("an enrolment token that is spent or expired was used", "token", id)
		return t, no
	}
	return t, nil
}

func refused(code connect.Code, why string) *connect.Error {
	return connect.NewError(code, errors.New(why))
}
