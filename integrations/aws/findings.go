package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	gdtypes "github.com/aws/aws-sdk-go-v2/service/guardduty/types"

	"github.com/tocsin-ir/tocsin/actions"
)

// findingRights are what reading GuardDuty needs.
var findingRights = []string{"guardduty:GetFindings", "guardduty:ListDetectors", "guardduty:ListFindings"}

const mostFindings = 5 // are told, the most severe first

// Finding is what GuardDuty noticed.
type Finding struct {
	ID       string
	Type     string // "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"
	Severity float64
	Region   string
	Times    int
	First    time.Time
	Last     time.Time
}

// about is whom findings are asked for: one of its fields is set.
type about struct{ instance, key, user, bucket string }

// criterion is the attribute's name and value, as ListFindings takes it,
// https://docs.aws.amazon.com/guardduty/latest/APIReference/API_ListFindings.html
func (s about) criterion() (string, string) {
	switch {
	case s.instance != "":
		return "resource.instanceDetails.instanceId", s.instance
	case s.key != "":
		return "resource.accessKeyDetails.accessKeyId", s.key
	case s.user != "":
		return "resource.accessKeyDetails.userName", s.user
	}
	return "resource.s3BucketDetails.name", s.bucket
}

// InstanceFindings are GuardDuty's open findings on an instance, the most severe first,
// five at most; none where GuardDuty is not enabled in the region.
func (a *Account) InstanceFindings(ctx context.Context, region, id string) ([]Finding, error) {
	return a.read(ctx, region, about{instance: id})
}

// KeyFindings are those on an access key.
func (a *Account) KeyFindings(ctx context.Context, region, id string) ([]Finding, error) {
	return a.read(ctx, region, about{key: id})
}

func (a *Account) read(ctx context.Context, region string, s about) ([]Finding, error) {
	gd := a.guardduty(region)
	found, err := ask(ctx, a, "find GuardDuty's detector", "guardduty:ListDetectors", gd.ListDetectors, &guardduty.ListDetectorsInput{})
	if err != nil || len(found.DetectorIds) == 0 { // one per region and account at most
		return nil, err
	}
	detector := &found.DetectorIds[0]
	name, value := s.criterion()
	ids, err := ask(ctx, a, "list GuardDuty's findings", "guardduty:ListFindings", gd.ListFindings, &guardduty.ListFindingsInput{
		DetectorId: detector,
		FindingCriteria: &gdtypes.FindingCriteria{Criterion: map[string]gdtypes.Condition{
			name: {Equals: []string{value}}, "service.archived": {Equals: []string{"false"}},
		}},
		SortCriteria: &gdtypes.SortCriteria{AttributeName: sdk.String("severity"), OrderBy: gdtypes.OrderByDesc},
		MaxResults:   sdk.Int32(mostFindings),
	})
	if err != nil || len(ids.FindingIds) == 0 {
		return nil, err
	}
	out, err := ask(ctx, a, "read GuardDuty's findings", "guardduty:GetFindings", gd.GetFindings, &guardduty.GetFindingsInput{DetectorId: detector, FindingIds: ids.FindingIds})
	if err != nil {
		return nil, err
	}
	list := make([]Finding, 0, len(out.Findings))
	for _, f := range out.Findings {
		list = append(list, finding(f))
	}
	slices.SortStableFunc(list, func(x, y Finding) int {
		return cmpDesc(x.Severity, y.Severity, strings.Compare(x.ID, y.ID))
	})
	return list, nil
}

func cmpDesc(x, y float64, tie int) int {
	switch {
	case x > y:
		return -1
	case x < y:
		return 1
	}
	return tie
}

func finding(f gdtypes.Finding) Finding {
	out := Finding{ID: sdk.ToString(f.Id), Type: kindOf(sdk.ToString(f.Type)), Severity: sdk.ToFloat64(f.Severity), Region: sdk.ToString(f.Region)}
	if s := f.Service; s != nil {
		out.Times = int(sdk.ToInt32(s.Count))
		out.First, _ = time.Parse(time.RFC3339, sdk.ToString(s.EventFirstSeen)) // zero where it is not told
		out.Last, _ = time.Parse(time.RFC3339, sdk.ToString(s.EventLastSeen))
	}
	return out
}

// kindOf lets through what a type of findings looks like: it is shown to people, and
// nothing an attacker could have chosen may stand in it.
func kindOf(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return !plain(r) && !strings.ContainsRune(":/.!&-_", r) }) {
		return "a finding of an unknown type"
	}
	return s
}

// findings are the warnings of a plan. Trouble with GuardDuty is one of them, and keeps
// nobody from containing. How often and when it was seen last is left out: an attack
// that goes on would make every plan another one.
func (a *Account) findings(ctx context.Context, region string, s about) []string {
	if !a.conf.GuardDuty {
		return nil
	}
	list, err := a.read(ctx, region, s)
	var right *actions.MissingRight
	switch {
	case errors.As(err, &right):
		return []string{"GuardDuty could not be asked: Tocsin lacks " + right.Right + "."}
	case err != nil:
		return []string{"GuardDuty could not be asked."}
	}
	var out []string
	for _, f := range list {
		out = append(out, fmt.Sprintf("GuardDuty has an open finding on it: %s, severity %.1f.", f.Type, f.Severity))
	}
	return out
}
