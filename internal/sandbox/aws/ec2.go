package aws

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

// EC2 is EC2 in one region.
type EC2 struct {
	Instances map[string]*Instance
	Groups    map[string]*Group
	Snapshots map[string]*Snapshot
	Profiles  map[string]*Association
	Next      int    // for new ids
	Copying   string // what new snapshots are: "completed", "pending", "error"
}

// Instance is a machine. Volumes are its disks.
type Instance struct {
	State, IP, Public, DNS string
	Tags                   map[string]string
	Cards                  []Interface
	Volumes                []string
}

// Interface is a network interface, in the security groups with these ids.
type Interface struct {
	ID, VPC string
	Groups  []string
}

// Group is a security group: from whom it lets in, and whereto out.
type Group struct {
	Name, VPC string
	In, Out   []string // CIDRs
}

// Snapshot is a copy of a volume: "pending", "completed" or "error".
type Snapshot struct {
	Volume, State string
	Tags          map[string]string
}

// Association is an instance profile on an instance.
type Association struct{ Instance, ARN string }

func ec2Out(action string, inner ...string) string {
	return el(action+"Response", append([]string{leaf("requestId", "r-1")}, inner...)...)
}

func ec2Bad(code string) *refusal { return &refusal{http.StatusBadRequest, code} }

// filters are the request's filters, by name.
func (q *asked) filters() map[string][]string {
	out := map[string][]string{}
	for i := 1; q.form.Get(fmt.Sprintf("Filter.%d.Name", i)) != ""; i++ {
		out[q.form.Get(fmt.Sprintf("Filter.%d.Name", i))] = q.members(fmt.Sprintf("Filter.%d.Value", i))
	}
	return out
}

// fits reports whether what a thing has meets every filter, with EC2's * and ?.
func fits(filters, has map[string][]string) (bool, *refusal) {
	for name, wants := range filters {
		got, known := has[name]
		if !known && !strings.HasPrefix(name, "tag:") {
			return false, ec2Bad("InvalidParameterValue")
		}
		if !slices.ContainsFunc(wants, func(want string) bool {
			return slices.ContainsFunc(got, func(g string) bool { ok, _ := path.Match(want, g); return ok })
		}) {
			return false, nil
		}
	}
	return true, nil
}

func tagsOf(tags map[string]string, has map[string][]string) map[string][]string {
	for k, v := range tags {
		has["tag:"+k] = []string{v}
	}
	return has
}

func tagSet(tags map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, el("item", leaf("key", k), leaf("value", tags[k])))
	}
	return el("tagSet", out...)
}

// paged answers one item a page.
func (q *asked) paged(action, set string, items []string) (string, *refusal) {
	from := 0
	if t := q.form.Get("NextToken"); t != "" {
		if _, err := fmt.Sscanf(t, "page-%d", &from); err != nil {
			return "", ec2Bad("InvalidParameterValue")
		}
	}
	var page []string
	if from < len(items) {
		page = items[from : from+1]
	}
	out := []string{el(set, page...)}
	if from+1 < len(items) {
		out = append(out, leaf("nextToken", fmt.Sprintf("page-%d", from+1)))
	}
	return ec2Out(action, out...), nil
}

func (w *EC2) serve(q *asked, profiles *IAM) (string, *refusal) {
	switch q.action {
	case "DescribeInstances":
		return w.instances(q)
	case "DescribeSecurityGroups":
		return w.groups(q)
	case "CreateSecurityGroup":
		return w.createGroup(q)
	case "RevokeSecurityGroupEgress":
		return w.revoke(q)
	case "ModifyNetworkInterfaceAttribute":
		return w.setGroups(q)
	case "CreateSnapshots":
		return w.snapshots(q)
	case "DescribeSnapshots":
		return w.listSnapshots(q)
	case "GetConsoleOutput":
		if w.Instances[q.form.Get("InstanceId")] == nil {
			return "", ec2Bad("InvalidInstanceID.NotFound")
		}
		return ec2Out(q.action, leaf("instanceId", q.form.Get("InstanceId")), leaf("output", base64.StdEncoding.EncodeToString([]byte("Debian GNU/Linux 12 ttyS0\nlogin:")))), nil
	}
	return w.profiles(q, profiles)
}

func (w *EC2) instances(q *asked) (string, *refusal) {
	var items []string
	for _, id := range slices.Sorted(maps.Keys(w.Instances)) {
		i := w.Instances[id]
		ok, bad := fits(q.filters(), tagsOf(i.Tags, map[string][]string{"instance-id": {id}, "instance-state-name": {i.State}, "private-dns-name": {i.DNS},
			"network-interface.addresses.private-ip-address": {i.IP}, "network-interface.addresses.association.public-ip": {i.Public}, "network-interface.ipv6-addresses.ipv6-address": nil}))
		if bad != nil {
			return "", bad
		}
		if ok {
			items = append(items, el("item", leaf("reservationId", "r-"+id), leaf("ownerId", Account), el("instancesSet", i.shown(id))))
		}
	}
	return q.paged(q.action, "reservationSet", items)
}

func (i *Instance) shown(id string) string {
	var cards, disks []string
	for _, c := range i.Cards {
		var groups []string
		for _, g := range c.Groups {
			groups = append(groups, el("item", leaf("groupId", g), leaf("groupName", "n")))
		}
		cards = append(cards, el("item", leaf("networkInterfaceId", c.ID), leaf("vpcId", c.VPC), el("groupSet", groups...)))
	}
	for _, v := range i.Volumes {
		disks = append(disks, el("item", leaf("deviceName", "/dev/xvda"), el("ebs", leaf("volumeId", v), leaf("status", "attached"))))
	}
	return el("item", leaf("instanceId", id), el("instanceState", leaf("code", "16"), leaf("name", i.State)), leaf("privateIpAddress", i.IP),
		el("networkInterfaceSet", cards...), el("blockDeviceMapping", disks...), tagSet(i.Tags))
}

func (w *EC2) groups(q *asked) (string, *refusal) {
	var items []string
	for _, id := range slices.Sorted(maps.Keys(w.Groups)) {
		g := w.Groups[id]
		ok, bad := fits(q.filters(), map[string][]string{"vpc-id": {g.VPC}, "group-name": {g.Name}, "group-id": {id}})
		if bad != nil {
			return "", bad
		}
		if ok {
			items = append(items, el("item", leaf("groupId", id), leaf("groupName", g.Name), leaf("vpcId", g.VPC), rules("ipPermissions", g.In), rules("ipPermissionsEgress", g.Out)))
		}
	}
	return q.paged(q.action, "securityGroupInfo", items)
}

func rules(set string, cidrs []string) string {
	var out []string
	for _, c := range cidrs {
		out = append(out, el("item", leaf("ipProtocol", "-1"), el("ipRanges", el("item", leaf("cidrIp", c)))))
	}
	return el(set, out...)
}

func (w *EC2) createGroup(q *asked) (string, *refusal) {
	name, vpc := q.form.Get("GroupName"), q.form.Get("VpcId")
	if strings.HasPrefix(name, "sg-") || q.form.Get("GroupDescription") == "" {
		return "", ec2Bad("InvalidParameterValue")
	}
	if vpc != "vpc-1" && vpc != "vpc-2" {
		return "", ec2Bad("InvalidVpcID.NotFound")
	}
	for _, g := range w.Groups {
		if g.Name == name && g.VPC == vpc {
			return "", ec2Bad("InvalidGroup.Duplicate")
		}
	}
	w.Next++
	id := fmt.Sprintf("sg-%017x", 0x100+w.Next)
	w.Groups[id] = &Group{Name: name, VPC: vpc, Out: []string{"0.0.0.0/0"}}
	return ec2Out(q.action, leaf("return", "true"), leaf("groupId", id)), nil
}

func (w *EC2) revoke(q *asked) (string, *refusal) {
	g := w.Groups[q.form.Get("GroupId")]
	if g == nil {
		return "", ec2Bad("InvalidGroup.NotFound")
	}
	for i := 1; q.form.Get(fmt.Sprintf("IpPermissions.%d.IpProtocol", i)) != ""; i++ {
		cidr := q.form.Get(fmt.Sprintf("IpPermissions.%d.IpRanges.1.CidrIp", i))
		if q.form.Get(fmt.Sprintf("IpPermissions.%d.IpProtocol", i)) != "-1" || !slices.Contains(g.Out, cidr) {
			return "", ec2Bad("InvalidPermission.NotFound")
		}
		g.Out = slices.DeleteFunc(g.Out, func(c string) bool { return c == cidr })
	}
	return ec2Out(q.action, leaf("return", "true")), nil
}

func (w *EC2) setGroups(q *asked) (string, *refusal) {
	groups := q.members("SecurityGroupId")
	for _, i := range w.Instances {
		for n, c := range i.Cards {
			if c.ID != q.form.Get("NetworkInterfaceId") {
				continue
			}
			for _, g := range groups {
				if w.Groups[g] == nil || w.Groups[g].VPC != c.VPC {
					return "", ec2Bad("InvalidGroup.NotFound")
				}
			}
			if len(groups) == 0 || len(groups) > 5 {
				return "", ec2Bad("InvalidParameterValue")
			}
			i.Cards[n].Groups = groups
			return ec2Out(q.action, leaf("return", "true")), nil
		}
	}
	return "", ec2Bad("InvalidNetworkInterfaceID.NotFound")
}

func (w *EC2) snapshots(q *asked) (string, *refusal) {
	i := w.Instances[q.form.Get("InstanceSpecification.InstanceId")]
	if i == nil || i.State == "terminated" {
		return "", ec2Bad("InvalidInstanceID.NotFound")
	}
	tags := map[string]string{}
	for n := 1; q.form.Get(fmt.Sprintf("TagSpecification.1.Tag.%d.Key", n)) != ""; n++ {
		tags[q.form.Get(fmt.Sprintf("TagSpecification.1.Tag.%d.Key", n))] = q.form.Get(fmt.Sprintf("TagSpecification.1.Tag.%d.Value", n))
	}
	var items []string
	for _, v := range i.Volumes {
		w.Next++
		id := fmt.Sprintf("snap-%017x", w.Next)
		w.Snapshots[id] = &Snapshot{v, w.Copying, tags}
		items = append(items, el("item", leaf("snapshotId", id), leaf("volumeId", v), leaf("state", "pending"), tagSet(tags)))
	}
	return ec2Out(q.action, el("snapshotSet", items...)), nil
}

func (w *EC2) listSnapshots(q *asked) (string, *refusal) {
	if q.form.Get("Owner.1") != "self" {
		return "", ec2Bad("InvalidParameterValue") // the real one answers with everybody's public snapshots
	}
	var items []string
	for _, id := range slices.Sorted(maps.Keys(w.Snapshots)) {
		s := w.Snapshots[id]
		ok, bad := fits(q.filters(), tagsOf(s.Tags, map[string][]string{"volume-id": {s.Volume}}))
		if bad != nil {
			return "", bad
		}
		if ok {
			items = append(items, el("item", leaf("snapshotId", id), leaf("volumeId", s.Volume), leaf("status", s.State), leaf("progress", "42%"),
				leaf("startTime", "2026-11-25T12:00:00.000Z"), tagSet(s.Tags)))
		}
	}
	return q.paged(q.action, "snapshotSet", items)
}

func (w *EC2) profiles(q *asked, known *IAM) (string, *refusal) {
	arn := q.form.Get("IamInstanceProfile.Arn")
	if _, ok := known.Profiles[path.Base(arn)]; arn != "" && !ok {
		return "", ec2Bad("InvalidParameterValue")
	}
	id := q.form.Get("AssociationId")
	switch q.action {
	case "DescribeIamInstanceProfileAssociations":
		var items []string
		for _, id := range slices.Sorted(maps.Keys(w.Profiles)) {
			a := w.Profiles[id]
			if ok, _ := fits(q.filters(), map[string][]string{"instance-id": {a.Instance}}); ok {
				items = append(items, a.shown("item", id, "associated"))
			}
		}
		return q.paged(q.action, "iamInstanceProfileAssociationSet", items)
	case "AssociateIamInstanceProfile":
		on := q.form.Get("InstanceId")
		for _, a := range w.Profiles {
			if a.Instance == on {
				return "", ec2Bad("IncorrectState")
			}
		}
		if w.Instances[on] == nil {
			return "", ec2Bad("InvalidInstanceID.NotFound")
		}
		w.Next++
		id = fmt.Sprintf("iip-assoc-%d", 100+w.Next)
		w.Profiles[id] = &Association{on, arn}
		return ec2Out(q.action, w.Profiles[id].shown("iamInstanceProfileAssociation", id, "associating")), nil
	}
	a := w.Profiles[id]
	if a == nil {
		return "", ec2Bad("InvalidAssociationID.NotFound")
	}
	switch q.action {
	case "ReplaceIamInstanceProfileAssociation":
		a.ARN = arn
	case "DisassociateIamInstanceProfile":
		delete(w.Profiles, id)
	default:
		return "", ec2Bad("InvalidAction")
	}
	return ec2Out(q.action, a.shown("iamInstanceProfileAssociation", id, "disassociating")), nil
}

func (a *Association) shown(as, id, state string) string {
	return el(as, leaf("associationId", id), leaf("instanceId", a.Instance), leaf("state", state), el("iamInstanceProfile", leaf("arn", a.ARN), leaf("id", "AIPA1")))
}
