package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// granted is a policy of the kind that Tocsin itself is given.
type granted struct {
	Version   string
	Statement []grant
}

type grant struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string]any `json:",omitempty"`
}

// conditional are the rights that are given under a condition only: to tag what is being
// made, and to hand a role to EC2.
var conditional = map[string]struct {
	sid       string
	condition map[string]map[string]any
}{
	"ec2:CreateTags": {"TagWhatIsMade", map[string]map[string]any{"StringEquals": {"ec2:CreateAction": []string{"CreateSecurityGroup", "CreateSnapshots"}}}},
	"iam:PassRole":   {"GiveBackProfiles", map[string]map[string]any{"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}, //nolint:gosec // the name of a service
}

// Policy is the IAM policy that an identity needs for all actions, and no right more:
// reading in one statement, changing in one for each service, so that what is not wanted
// can be left out. self is the identity's own ARN; it, and what carries the break-glass
// tag, may not be changed even by a Tocsin that was taken over.
func (a *Account) Policy(self string) string {
	var reading, changing []string
	byService := map[string][]string{}
	p := granted{Version: "2012-10-17"}
	for _, right := range a.Rights() {
		service, action, _ := strings.Cut(right, ":")
		_, under := conditional[right]
		switch {
		case under:
		case reads(action), action == "ListBucket":
			reading = append(reading, right)
		default:
			byService[service] = append(byService[service], right)
			changing = append(changing, right)
		}
	}
	p.Statement = append(p.Statement, grant{Sid: "Look", Effect: "Allow", Action: reading, Resource: "*"})
	for _, service := range []string{"ec2", "iam", "route53resolver", "s3", "wafv2"} {
		p.Statement = append(p.Statement, grant{Sid: "Change" + strings.ToUpper(service[:1]) + service[1:], Effect: "Allow", Action: byService[service], Resource: "*"})
	}
	for _, right := range []string{"ec2:CreateTags", "iam:PassRole"} {
		c := conditional[right]
		p.Statement = append(p.Statement, grant{c.sid, "Allow", []string{right}, "*", c.condition})
	}
	p.Statement = append(p.Statement,
		grant{"NeverItself", "Deny", slices.Clone(byService["iam"]), self, nil},
		grant{"NeverBreakGlass", "Deny", changing, "*", map[string]map[string]any{"Null": {"aws:ResourceTag/" + breakGlassTag: "false"}}})
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("aws: a policy that is not JSON: %v", err)) // strings all the way down
	}
	return string(b)
}
