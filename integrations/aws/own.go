package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/tocsin-ir/tocsin/incident"
)

// own is who Tocsin is in this account.
type own struct {
	account   string // twelve digits
	partition string // "aws", "aws-us-gov", "aws-cn"
	user      string // its IAM user, or
	role      string // the role that it assumed,
	session   string // with this session name: on EC2 the instance's id
	door      *own   // who assumed that role, where the configuration names one to assume
}

// is reports whether a principal is Tocsin, or the identity through which it comes in.
func (o own) is(p principal) bool {
	if p.kind == user && p.name == o.user || p.kind == role && p.name == o.role {
		return true
	}
	return o.door != nil && o.door.account == o.account && o.door.is(p)
}

// on reports whether Tocsin runs on the instance.
func (o own) on(instance string) bool {
	return o.session == instance || o.door != nil && o.door.session == instance
}

// breakGlassTag marks users, roles and instances that are never touched.
const breakGlassTag = "tocsin:break-glass"

// self asks AWS once who Tocsin is. sts:GetCallerIdentity needs no right.
func (a *Account) self(ctx context.Context) (own, error) {
	a.mu.Lock()
	me := a.own
	a.mu.Unlock()
	if me.account != "" {
		return me, nil
	}
	me, err := a.callerOf(ctx, a.sts)
	if err != nil {
		return own{}, err
	}
	if a.door != a.sts {
		door, err := a.callerOf(ctx, a.door)
		if err != nil {
			return own{}, err
		}
		me.door = &door
	}
	a.mu.Lock()
	a.own = me
	a.mu.Unlock()
	return me, nil
}

func (a *Account) callerOf(ctx context.Context, c *sts.Client) (own, error) {
	out, err := ask(ctx, a, "ask AWS who Tocsin is", "sts:GetCallerIdentity", c.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return own{}, err
	}
	return ownOf(sdk.ToString(out.Arn))
}

// ownOf reads the ARN of a caller: arn:aws:iam::111122223333:user/path/name or
// arn:aws:sts::111122223333:assumed-role/name/session.
func ownOf(arn string) (own, error) {
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[0] != "arn" || len(part[4]) != 12 {
		return own{}, refuse("ask AWS who Tocsin is: the answer is no ARN")
	}
	me := own{partition: part[1], account: part[4]}
	kind, rest, _ := strings.Cut(part[5], "/")
	switch kind {
	case "user":
		me.user = rest[strings.LastIndex(rest, "/")+1:]
	case "assumed-role":
		me.role, me.session, _ = strings.Cut(rest, "/")
	case "root":
		return own{}, refuse("Tocsin signs as the account's root user, which is never right; give it a role of its own")
	}
	return me, nil
}

// spare refuses identities that are never touched: Tocsin's own, break-glass and AWS's.
func (a *Account) spare(ctx context.Context, p principal) error {
	me, err := a.self(ctx)
	if err != nil {
		return err
	}
	switch {
	case me.is(p):
		return refuse("%s is Tocsin's own identity; it cannot be used against itself", p.name)
	case p.kind == role && strings.HasPrefix(p.path, "/aws-service-role/"):
		return refuse("%s is a service-linked role; only its AWS service can change it", p.name)
	case p.kind == role && strings.HasPrefix(p.path, "/aws-reserved/"):
		return refuse("%s belongs to IAM Identity Center; remove the assignment or disable the person there", p.name)
	}
	for _, spared := range a.conf.BreakGlass {
		if strings.EqualFold(spared, p.name) || strings.EqualFold(spared, p.arn) {
			return refuse("%s is a break-glass identity of the configuration and is never touched", p.name)
		}
	}
	if _, ok := tagged(p.tags, breakGlassTag); ok {
		return refuse("%s carries the tag %s and is never touched", p.name, breakGlassTag)
	}
	return nil
}

func refuse(format string, args ...any) error { return incident.GiveUp(fmt.Errorf(format, args...)) }

func tagged(tags []iamtypes.Tag, key string) (string, bool) {
	for _, t := range tags {
		if strings.EqualFold(sdk.ToString(t.Key), key) {
			return sdk.ToString(t.Value), true
		}
	}
	return "", false
}

// clock is what time it is at AWS, to the second and never earlier than it was.
func (a *Account) clock(ctx context.Context) (time.Time, error) {
	out, err := ask(ctx, a, "ask AWS what time it is", "sts:GetCallerIdentity", a.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return time.Time{}, err
	}
	at, ok := middleware.GetServerTime(out.ResultMetadata)
	if !ok {
		at = time.Now()
	}
	return at.UTC().Truncate(time.Second).Add(time.Second), nil
}
