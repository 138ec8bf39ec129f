package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/tocsin-ir/tocsin/actions"
)

// Preserve keeps what can be had of an instance without touching it: how EC2 describes
// it, its console, and snapshots of its volumes. Memory is not among it: EC2 cannot read it.
func (d quarantineInstance) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	m, err := d.machine(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	described, err := json.MarshalIndent(m.Instance, "", "  ") //nolint:gosec // ClientToken is an idempotency key and no secret
	if err != nil {
		return actions.Evidence{}, err
	}
	from := "instance " + m.arn
	e := actions.Evidence{Items: []actions.Item{content(m.id()+".json", from, "application/json", described)}}
	out, err := ask(ctx, d.Account, "read the console", "ec2:GetConsoleOutput", d.ec2(m.region).GetConsoleOutput,
		&ec2.GetConsoleOutputInput{InstanceId: m.InstanceId})
	if err != nil {
		return actions.Evidence{}, err
	}
	// Base64, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
	if text, err := base64.StdEncoding.DecodeString(sdk.ToString(out.Output)); err == nil && len(text) > 0 {
		e.Items = append(e.Items, content(m.id()+"-console.txt", from, "text/plain", text))
	}
	if len(m.volumes()) == 0 {
		return e, nil
	}
	refs, err := d.keep(ctx, m, in.Key)
	if err != nil {
		return actions.Evidence{}, err
	}
	for _, v := range m.volumes() {
		e.Items = append(e.Items, actions.Item{Name: v + ".snapshot", From: "volume " + v + " of " + from, Type: "application/vnd.aws.ebs-snapshot", Ref: m.region + "/" + refs[v]})
	}
	return e, nil
}
