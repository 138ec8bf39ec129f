package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// WAF is WAFv2 in one region: IP sets and web ACLs.
type WAF struct {
	Sets []*IPSet
	ACLs []*WebACL
	// Race makes somebody else write the sets just before the next updates.
	Race int
}

// IPSet is a list of ranges of one version, "IPV4" or "IPV6". Lock counts its changes.
type IPSet struct {
	ID, Name, Scope, Version, About string
	Addresses                       []string
	Lock                            int
}

// WebACL is a list of rules, in the form of the API.
type WebACL struct {
	ID, Name, Scope string
	Rules           []any
	On              []string // load balancers that it protects
}

// BlockBy is a rule that blocks what is in any of the sets with these ids.
func BlockBy(name string, priority int, sets ...string) any {
	var either []any
	for _, id := range sets {
		either = append(either, map[string]any{"IPSetReferenceStatement": map[string]any{"ARN": "arn:set:" + id}})
	}
	return map[string]any{"Name": name, "Priority": priority, "Action": map[string]any{"Block": map[string]any{}},
		"Statement": map[string]any{"OrStatement": map[string]any{"Statements": either}}}
}

func jsonOut(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func jsonBad(code string) *refusal { return &refusal{http.StatusBadRequest, code} }

// page is one of the list, and the marker of the next.
func page[T any](q *asked, marker string, all []T) (T, string, bool) {
	var none T
	n := 0
	if m := q.str(marker); m != "" {
		if _, err := fmt.Sscanf(m, "page-%d", &n); err != nil {
			return none, "", false
		}
	}
	if n >= len(all) {
		return none, "", false
	}
	next := ""
	if n+1 < len(all) {
		next = fmt.Sprintf("page-%d", n+1)
	}
	return all[n], next, true
}

func (w *WAF) serve(q *asked) (string, *refusal) {
	switch q.action {
	case "ListIPSets":
		in := slices.DeleteFunc(slices.Clone(w.Sets), func(s *IPSet) bool { return s.Scope != q.str("Scope") })
		s, next, ok := page(q, "NextMarker", in)
		if !ok {
			return `{"IPSets":[]}`, nil
		}
		return jsonOut(map[string]any{"NextMarker": next, "IPSets": []any{map[string]any{"Id": s.ID, "Name": s.Name, "ARN": "arn:set:" + s.ID, "LockToken": fmt.Sprint("lock-", s.Lock)}}}), nil
	case "ListWebACLs":
		in := slices.DeleteFunc(slices.Clone(w.ACLs), func(a *WebACL) bool { return a.Scope != q.str("Scope") })
		a, next, ok := page(q, "NextMarker", in)
		if !ok {
			return `{"WebACLs":[]}`, nil
		}
		return jsonOut(map[string]any{"NextMarker": next, "WebACLs": []any{map[string]any{"Id": a.ID, "Name": a.Name, "ARN": "arn:acl:" + a.ID}}}), nil
	case "ListResourcesForWebACL":
		for _, a := range w.ACLs {
			if "arn:acl:"+a.ID == q.str("WebACLArn") && q.str("ResourceType") == "APPLICATION_LOAD_BALANCER" {
				return jsonOut(map[string]any{"ResourceArns": a.On}), nil
			}
		}
		return `{"ResourceArns":[]}`, nil
	case "GetWebACL":
		for _, a := range w.ACLs {
			if a.ID == q.str("Id") && a.Name == q.str("Name") && a.Scope == q.str("Scope") {
				return jsonOut(map[string]any{"LockToken": "x", "WebACL": map[string]any{"Id": a.ID, "Name": a.Name, "ARN": "arn:acl:" + a.ID, "Rules": a.Rules,
					"DefaultAction": map[string]any{"Allow": map[string]any{}}, "VisibilityConfig": map[string]any{"MetricName": "m", "CloudWatchMetricsEnabled": false, "SampledRequestsEnabled": false}}}), nil
			}
		}
	case "GetIPSet", "UpdateIPSet":
		for _, s := range w.Sets {
			if s.ID == q.str("Id") && s.Name == q.str("Name") && s.Scope == q.str("Scope") {
				if q.action == "UpdateIPSet" {
					return w.update(q, s)
				}
				return jsonOut(map[string]any{"LockToken": fmt.Sprint("lock-", s.Lock), "IPSet": map[string]any{"Id": s.ID, "Name": s.Name, "ARN": "arn:set:" + s.ID,
					"Description": s.About, "IPAddressVersion": s.Version, "Addresses": s.Addresses}}), nil
			}
		}
	}
	return "", jsonBad("WAFNonexistentItemException")
}

func (w *WAF) update(q *asked, s *IPSet) (string, *refusal) {
	if w.Race > 0 {
		w.Race--
		s.Lock++
		s.Addresses = append(s.Addresses, fmt.Sprintf("192.0.%d.7/32", 100+w.Race))
	}
	if q.str("LockToken") != fmt.Sprint("lock-", s.Lock) {
		return "", jsonBad("WAFOptimisticLockException")
	}
	list, ok := q.json["Addresses"].([]any)
	if !ok || len(list) > 10000 {
		return "", jsonBad("WAFLimitsExceededException")
	}
	addresses := []string{}
	for _, a := range list {
		text, _ := a.(string)
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Bits() == 0 || p.Masked() != p || p.Addr().Is6() != (s.Version == "IPV6") || slices.Contains(addresses, text) {
			return "", jsonBad("WAFInvalidParameterException")
		}
		addresses = append(addresses, text)
	}
	s.Addresses, s.About = addresses, q.str("Description")
	s.Lock++
	return jsonOut(map[string]any{"NextLockToken": fmt.Sprint("lock-", s.Lock)}), nil
}

// DNS is Route 53 Resolver DNS Firewall in one region.
type DNS struct {
	Lists map[string]*DomainList // by id
	Rules map[string]string      // the list that each rule group blocks by
	VPCs  map[string]string      // the rule group on each VPC
}

// DomainList is a list of domains; one that AWS manages cannot be changed.
type DomainList struct {
	Name, Managed, Status string
	Domains               []string
}

func (w *DNS) serve(q *asked) (string, *refusal) {
	l := w.Lists[q.str("FirewallDomainListId")]
	switch q.action {
	case "ListFirewallDomainLists":
		ids := []string{"l0", "l1", "l2", "l9"}
		ids = slices.DeleteFunc(ids, func(id string) bool { return w.Lists[id] == nil })
		id, next, ok := page(q, "NextToken", ids)
		if !ok {
			return `{"FirewallDomainLists":[]}`, nil
		}
		m := map[string]any{"Id": id, "Name": w.Lists[id].Name, "Arn": "arn:list:" + id}
		if w.Lists[id].Managed != "" {
			m["ManagedOwnerName"] = w.Lists[id].Managed
		}
		return jsonOut(map[string]any{"NextToken": next, "FirewallDomainLists": []any{m}}), nil
	case "ListFirewallRuleGroupAssociations":
		var out []any
		for vpc, g := range w.VPCs {
			out = append(out, map[string]any{"Id": "a1", "VpcId": vpc, "FirewallRuleGroupId": g, "Status": "COMPLETE"})
		}
		return jsonOut(map[string]any{"FirewallRuleGroupAssociations": out}), nil
	case "ListFirewallRules":
		list, ok := w.Rules[q.str("FirewallRuleGroupId")]
		if !ok {
			return "", jsonBad("ResourceNotFoundException")
		}
		return jsonOut(map[string]any{"FirewallRules": []any{map[string]any{"FirewallDomainListId": list, "Action": "BLOCK", "BlockResponse": "NXDOMAIN", "Name": "r", "Priority": 1}}}), nil
	}
	if l == nil {
		return "", jsonBad("ResourceNotFoundException")
	}
	switch q.action {
	case "GetFirewallDomainList":
		return jsonOut(map[string]any{"FirewallDomainList": map[string]any{"Id": q.str("FirewallDomainListId"), "Name": l.Name, "Status": l.Status}}), nil
	case "ListFirewallDomains":
		d, next, ok := page(q, "NextToken", l.Domains)
		if !ok {
			return `{"Domains":[]}`, nil
		}
		return jsonOut(map[string]any{"NextToken": next, "Domains": []string{d}}), nil
	case "UpdateFirewallDomains":
		return l.update(q)
	}
	return "", jsonBad("InvalidAction")
}

func (l *DomainList) update(q *asked) (string, *refusal) {
	names, _ := q.json["Domains"].([]any)
	switch {
	case l.Managed != "":
		return "", jsonBad("AccessDeniedException")
	case l.Status != "COMPLETE":
		return "", jsonBad("ConflictException")
	case len(names) == 0 || len(names) > 1000:
		return "", jsonBad("ValidationException")
	}
	for _, n := range names {
		name := strings.TrimSuffix(fmt.Sprint(n), ".") + "."
		has := slices.Contains(l.Domains, name)
		switch q.str("Operation") {
		case "ADD":
			if !has {
				l.Domains = append(l.Domains, name)
			}
		case "REMOVE":
			if !has {
				return "", jsonBad("ValidationException")
			}
			l.Domains = slices.DeleteFunc(l.Domains, func(d string) bool { return d == name })
		default:
			return "", jsonBad("ValidationException")
		}
	}
	return jsonOut(map[string]any{"Id": q.str("FirewallDomainListId"), "Status": "UPDATING"}), nil
}
