package aws

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Bucket is an S3 bucket.
type Bucket struct {
	Region, Owner string
	Public        bool // its policy lets everybody list it
	Website       bool
	Tags          map[string]string
	Blocks        *[4]bool // BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets
}

var blockNames = [4]string{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}

// s3Action is the operation, by method and sub-resource; buckets are named in the path.
func s3Action(q *asked) string {
	query := q.URL.Query()
	for sub, name := range map[string]string{"publicAccessBlock": "PublicAccessBlock", "policyStatus": "BucketPolicyStatus", "website": "BucketWebsite", "tagging": "BucketTagging"} {
		if query.Has(sub) {
			return strings.ToUpper(q.Method[:1]) + strings.ToLower(q.Method[1:]) + name
		}
	}
	if q.Method == http.MethodHead {
		return "HeadBucket"
	}
	return ""
}

func (s *Server) bucketOf(q *asked) *Bucket {
	return s.world.S3[strings.Trim(q.URL.Path, "/")]
}

// s3Headers tell where a bucket is, whatever the answer.
func s3Headers(s *Server, q *asked) map[string]string {
	if b := s.bucketOf(q); b != nil {
		return map[string]string{"X-Amz-Bucket-Region": b.Region}
	}
	return nil
}

func (s *Server) s3(q *asked) (string, *refusal) {
	b := s.bucketOf(q)
	if b == nil {
		return "", &refusal{http.StatusNotFound, "NoSuchBucket"}
	}
	if stranger := q.Header.Get("Authorization") == ""; stranger {
		if b.Public && (b.Blocks == nil || !b.Blocks[3]) && q.action == "HeadBucket" {
			return "", nil
		}
		return "", &refusal{http.StatusForbidden, "AccessDenied"}
	}
	if q.region != b.Region {
		return "", &refusal{http.StatusMovedPermanently, "PermanentRedirect"}
	}
	if want := q.Header.Get("X-Amz-Expected-Bucket-Owner"); want != b.Owner {
		return "", &refusal{http.StatusForbidden, "AccessDenied"}
	}
	switch q.action {
	case "HeadBucket":
		return "", nil
	case "GetPublicAccessBlock":
		if b.Blocks == nil {
			return "", &refusal{http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration"}
		}
		var out []string
		for i, n := range blockNames {
			out = append(out, leaf(n, fmt.Sprint(b.Blocks[i])))
		}
		return el("PublicAccessBlockConfiguration", out...), nil
	case "PutPublicAccessBlock":
		b.Blocks = &[4]bool{}
		for i, n := range blockNames {
			b.Blocks[i] = strings.Contains(string(q.body), "<"+n+">true</"+n+">")
		}
		return "", nil
	case "DeletePublicAccessBlock":
		b.Blocks = nil
		return "", nil
	case "GetBucketPolicyStatus":
		if !b.Public {
			return "", &refusal{http.StatusNotFound, "NoSuchBucketPolicy"}
		}
		return el("PolicyStatus", leaf("IsPublic", "true")), nil
	case "GetBucketWebsite":
		if !b.Website {
			return "", &refusal{http.StatusNotFound, "NoSuchWebsiteConfiguration"}
		}
		return el("WebsiteConfiguration", el("IndexDocument", leaf("Suffix", "index.html"))), nil
	case "GetBucketTagging":
		if len(b.Tags) == 0 {
			return "", &refusal{http.StatusNotFound, "NoSuchTagSet"}
		}
		var out []string
		for _, k := range slices.Sorted(maps.Keys(b.Tags)) {
			out = append(out, el("Tag", leaf("Key", k), leaf("Value", b.Tags[k])))
		}
		return el("Tagging", el("TagSet", out...)), nil
	}
	return "", &refusal{http.StatusBadRequest, "InvalidRequest"}
}

// GuardDuty is GuardDuty in one region.
type GuardDuty struct {
	Findings []Finding
}

// Finding is a finding with the attributes that it can be asked for by.
type Finding struct {
	ID, Type string
	Severity float64
	Archived bool
	Attrs    map[string]string
}

func guardAction(q *asked) string {
	switch path := q.URL.Path; {
	case q.Method == http.MethodGet && path == "/detector":
		return "ListDetectors"
	case q.Method == http.MethodPost && path == "/detector/d1/findings":
		return "ListFindings"
	case q.Method == http.MethodPost && path == "/detector/d1/findings/get":
		return "GetFindings"
	}
	return ""
}

func (s *Server) guard(q *asked) (string, *refusal) {
	g := s.world.Guard[q.region]
	if q.action == "ListDetectors" {
		if g == nil {
			return `{"detectorIds":[]}`, nil
		}
		return `{"detectorIds":["d1"]}`, nil
	}
	if g == nil {
		return "", &refusal{http.StatusBadRequest, "BadRequestException"}
	}
	var in struct {
		FindingIDs      []string `json:"findingIds"`
		MaxResults      int      `json:"maxResults"`
		FindingCriteria struct {
			Criterion map[string]struct{ Equals []string }
		} `json:"findingCriteria"`
		SortCriteria struct{ AttributeName, OrderBy string } `json:"sortCriteria"`
	}
	if json.Unmarshal(q.body, &in) != nil {
		return "", &refusal{http.StatusBadRequest, "BadRequestException"}
	}
	var ids, full []string
	all := slices.Clone(g.Findings)
	slices.SortFunc(all, func(x, y Finding) int { return cmp.Compare(y.Severity, x.Severity) })
	for _, f := range all {
		hit := true
		for name, c := range in.FindingCriteria.Criterion {
			has := f.Attrs[name]
			if name == "service.archived" {
				has = fmt.Sprint(f.Archived)
			}
			hit = hit && slices.Contains(c.Equals, has)
		}
		if hit && len(ids) < in.MaxResults {
			ids = append(ids, f.ID)
		}
		if slices.Contains(in.FindingIDs, f.ID) {
			text, _ := json.Marshal(map[string]any{"id": f.ID, "type": f.Type, "severity": f.Severity, "region": q.region,
				"accountId": Account, "arn": "arn:aws:guardduty:x", "createdAt": "2026-11-25T10:00:00Z", "updatedAt": "2026-11-25T10:00:00Z", "schemaVersion": "2.0", "resource": map[string]any{},
				"description": "vendor said what an intruder chose", "title": "vendor said",
				"service": map[string]any{"count": 12, "eventFirstSeen": "2026-11-24T10:00:00Z", "eventLastSeen": "2026-11-25T10:00:00Z"}})
			full = append(full, string(text))
		}
	}
	if q.action == "GetFindings" {
		return `{"findings":[` + strings.Join(full, ",") + `]}`, nil
	}
	text, _ := json.Marshal(map[string]any{"findingIds": ids})
	return string(text), nil
}
