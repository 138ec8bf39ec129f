package aws

import (
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/aws"
)

// newWorld is the account of these tests.
func newWorld() world {
	w := world{
		Caller: "arn:aws:iam::" + account + ":user/tocsin",
		IAM:    newIAM(),
		EC2:    map[string]*honest.EC2{home: newEC2(), "us-west-2": newEC2()},
		WAF:    map[string]*honest.WAF{home: newWAF(), "us-east-1": newWAF()},
		DNS:    map[string]*honest.DNS{home: newDNS()},
		S3: map[string]*honest.Bucket{
			"invoices": {Region: home, Owner: account, Public: true, Website: true, Tags: map[string]string{"Owner": "billing"}},
			"archive":  {Region: "us-west-2", Owner: account, Blocks: &[4]bool{true, true, false, false}},
			"theirs":   {Region: home, Owner: "444455556666"},
		},
		Guard: map[string]*honest.GuardDuty{},
	}
	populate(&w)
	return w
}

func newIAM() honest.IAM {
	user := func(keys ...honest.Key) *honest.Identity {
		return &honest.Identity{Path: "/", Keys: keys, Policies: map[string]string{}, Tags: map[string]string{}}
	}
	allow := `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`
	w := honest.IAM{
		Users: map[string]*honest.Identity{
			"mallory": user(honest.Key{ID: "AKIAMALLORYMALLORYMA", Status: "Active", LastUsed: "2026-11-24T10:00:00Z"}, honest.Key{ID: "AKIAMALLORYSECONDKEY", Status: "Active"}),
			"alice":   user(honest.Key{ID: "AKIAALICEALICEALICEA", Status: "Inactive"}),
			"tocsin":  user(honest.Key{ID: tocsinKey, Status: "Active", LastUsed: "2026-11-25T10:00:00Z"}),
			"rescue":  user(),
		},
		Roles:    map[string]*honest.Identity{"ci-deployer": user(), "web-role": user(), "tocsin-role": user()},
		Profiles: map[string]string{"web-profile": "web-role", "other-profile": "ci-deployer"},
		Foreign:  map[string]string{"AKIAFOREIGNFOREIGNFO": "444455556666"},
	}
	w.Users["mallory"].Tags["Owner"] = "payments"
	w.Users["mallory"].Policies["everything"] = allow
	w.Users["tocsin"].Policies["everything"] = allow
	w.Roles["ci-deployer"].Policies["everything"] = allow
	w.Roles["web-role"].Policies["everything"] = allow
	w.Roles["tocsin-role"].Policies["everything"] = allow
	w.Roles["AWSServiceRoleForSupport"] = &honest.Identity{Path: "/aws-service-role/support.amazonaws.com/"}
	w.Roles["AWSReservedSSO_Admin_0123"] = &honest.Identity{Path: "/aws-reserved/sso.amazonaws.com/"}
	return w
}

const (
	webOne  = "i-0aaaaaaaaaaaaaaaa"
	webTwo  = "i-0bbbbbbbbbbbbbbbb"
	west    = "i-0cccccccccccccccc"
	profile = "arn:aws:iam::" + account + ":instance-profile/web-profile"
)

func newEC2() *honest.EC2 {
	return &honest.EC2{Instances: map[string]*honest.Instance{}, Snapshots: map[string]*honest.Snapshot{}, Profiles: map[string]*honest.Association{}, Copying: "completed",
		Groups: map[string]*honest.Group{
			"sg-00000000000000001": {Name: "web", VPC: "vpc-1", In: []string{"0.0.0.0/0"}, Out: []string{"0.0.0.0/0"}},
			"sg-00000000000000002": {Name: "ops", VPC: "vpc-1", In: []string{"10.0.0.0/8"}, Out: []string{"0.0.0.0/0"}},
			"sg-00000000000000003": {Name: "inner", VPC: "vpc-2", Out: []string{"0.0.0.0/0"}},
			"sg-00000000000000004": {Name: "forensics", VPC: "vpc-1"},
		}}
}

// populate puts the instances where they are: two at home, two in the west.
func populate(w *world) {
	at := w.EC2[home]
	at.Instances[webOne] = &honest.Instance{State: "running", IP: "10.0.0.7", Public: "203.0.113.7", DNS: "ip-10-0-0-7.eu-central-1.compute.internal",
		Tags:    map[string]string{"Name": "web-1", "owner": "shop", "aws:autoscaling:groupName": "web"},
		Cards:   []honest.Interface{{ID: "eni-2", VPC: "vpc-1", Groups: []string{"sg-00000000000000001", "sg-00000000000000002"}}, {ID: "eni-1", VPC: "vpc-2", Groups: []string{"sg-00000000000000003"}}},
		Volumes: []string{"vol-b", "vol-a"}}
	at.Instances[webTwo] = &honest.Instance{State: "running", IP: "10.0.0.8", Tags: map[string]string{"Name": "web-2"},
		Cards: []honest.Interface{{ID: "eni-3", VPC: "vpc-1", Groups: []string{"sg-00000000000000001"}}}}
	at.Instances["i-0dddddddddddddddd"] = &honest.Instance{State: "terminated", Tags: map[string]string{"Name": "web-1"}}
	at.Profiles["iip-assoc-1"] = &honest.Association{Instance: webOne, ARN: profile}
	w.EC2["us-west-2"].Instances[west] = &honest.Instance{State: "running", IP: "10.0.0.7", Tags: map[string]string{"Name": "web-2"},
		Cards: []honest.Interface{{ID: "eni-9", VPC: "vpc-1", Groups: []string{"sg-00000000000000001"}}}, Volumes: []string{"vol-w"}}
}

func newWAF() *honest.WAF {
	set := func(id, name, scope, version string, addresses ...string) *honest.IPSet {
		return &honest.IPSet{ID: id, Name: name, Scope: scope, Version: version, About: "kept", Addresses: addresses}
	}
	block := func(id, scope string) *honest.WebACL {
		return &honest.WebACL{ID: "acl-" + id, Name: "edge-" + id, Scope: scope, On: []string{"arn:aws:elasticloadbalancing:x"}, Rules: []any{
			map[string]any{"Name": "geo", "Priority": 1, "Action": map[string]any{"Count": map[string]any{}}, "Statement": map[string]any{"GeoMatchStatement": map[string]any{"CountryCodes": []string{"AQ"}}}},
			honest.BlockBy("list", 2, "other", id),
		}}
	}
	return &honest.WAF{
		Sets: []*honest.IPSet{set("s0", "partners", "REGIONAL", "IPV4", "198.51.100.0/24", "203.0.113.9/32"), set("s1", "tocsin-blocked", "REGIONAL", "IPV4", "192.0.2.0/24"),
			set("s2", "tocsin-blocked-v6", "REGIONAL", "IPV6"), set("s3", "tocsin-blocked", "CLOUDFRONT", "IPV4")},
		ACLs: []*honest.WebACL{{ID: "acl-0", Name: "empty", Scope: "REGIONAL"}, block("s1", "REGIONAL"), block("s3", "CLOUDFRONT")},
	}
}

func newDNS() *honest.DNS {
	return &honest.DNS{
		Lists: map[string]*honest.DomainList{
			"l0": {Name: "tocsin-blocked", Managed: "Route 53 Resolver DNS Firewall", Status: "COMPLETE"},
			"l1": {Name: "tocsin-blocked", Status: "COMPLETE", Domains: []string{"old.example."}},
			"l2": {Name: "quiet", Status: "COMPLETE"},
		},
		Rules: map[string]string{"g1": "l1"}, VPCs: map[string]string{"vpc-1": "g1"},
	}
}
