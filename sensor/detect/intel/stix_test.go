package intel

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPatterns(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, c := range []struct {
		pattern string
		terms   string
		why     string // of the first that cannot be matched
	}{
		{"[ipv4-addr:value = '198.51.100.7']", "cidr 198.51.100.7", ""},
		{"[ ipv4-addr:value='198.51.100.7' OR ipv4-addr:value = '198.51.100.8' ]", "cidr 198.51.100.7, cidr 198.51.100.8", ""},
		{"[ipv4-addr:value IN ('198.51.100.7', '198.51.100.8')]", "cidr 198.51.100.7, cidr 198.51.100.8", ""},
		{"[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "cidr 198.51.100.0/24", ""},
		{"[ipv6-addr:value = '2001:db8::1']", "cidr 2001:db8::1", ""},
		{"[domain-name:value = 'evil.example'] OR [url:value = 'http://evil.example/it\\'s']", "domain evil.example, url http://evil.example/it's", ""},
		{"([domain-name:value = 'a.example'] OR ([domain-name:value = 'b.example']))", "domain a.example, domain b.example", ""},
		{"[file:hashes.'SHA-256' = '" + hash + "']", "sha256 " + hash, ""},
		{"[file:hashes.SHA256 = '" + hash + "' AND file:hashes.MD5 = '" + hash[:32] + "']", "sha256 " + hash, ""},
		{"[(file:hashes.MD5 = '" + hash[:32] + "') AND (file:hashes.'SHA-1' = '" + hash[:40] + "') OR url:value = 'x://y']", "sha1 " + hash[:40] + ", url x://y", ""},
		{"[process:image_ref.hashes.MD5 = '" + hash[:32] + "']", "md5 " + hash[:32], ""},
		{"[network-traffic:dst_ref.value = '198.51.100.7']", "cidr 198.51.100.7", ""},
		{"[network-traffic:dst_ref.value = 'evil.example']", "domain evil.example", ""},
		{"[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 443]", "", "it asks for several things at once (AND)"},
		{"[file:hashes.MD5 = '" + hash[:32] + "' AND file:name = 'x']", "", "it asks for several things at once (AND)"},
		{"[ipv4-addr:value = '1.2.3.4'] AND [url:value = 'http://a/']", "", "it asks for several observations together (AND)"},
		{"[ipv4-addr:value = '1.2.3.4'] FOLLOWEDBY [url:value = 'http://a/']", "", "it asks for several observations together (FOLLOWEDBY)"},
		{"[ipv4-addr:value = '1.2.3.4'] REPEATS 5 TIMES WITHIN 60 SECONDS", "", "it is limited by WITHIN"},
		{"[ipv4-addr:value = '1.2.3.4'] START t'2020-01-01T00:00:00Z' STOP t'2020-02-01T00:00:00Z'", "", "it is limited by START"},
		{"[ipv4-addr:value != '1.2.3.4']", "", "it asks for what something is not (NOT)"},
		{"[ipv4-addr:value NOT = '1.2.3.4']", "", "it asks for what something is not (NOT)"},
		{"[ipv4-addr:value ISSUPERSET '1.2.3.4/32']", "", "the comparison ISSUPERSET on ipv4-addr:value cannot be matched"},
		{"[domain-name:value LIKE '%.evil.example']", "", "the comparison LIKE on domain-name:value cannot be matched"},
		{"[url:value MATCHES '^http']", "", "the comparison MATCHES on url:value cannot be matched"},
		{"[email-addr:value = 'a@b.example']", "", "email-addr:value is nothing that can be matched"},
		{"[file:hashes.'SHA-512' = 'aa' OR url:value = 'http://a.example/']", "url http://a.example/", "file:hashes.SHA-512 is nothing that can be matched"},
		{"[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]", "", "file:extensions.windows-pebinary-ext.sections[*].entropy is nothing that can be matched"},
		{"[EXISTS url:value]", "", "it asks only whether something is there (EXISTS)"},
		{"", "", "its pattern cannot be read: \"[\" is missing"},
		{"[url:value = 'http://a/'", "", "its pattern cannot be read: \"]\" is missing"},
		{"[url:value = 'http://a/] ", "", "its pattern cannot be read: a quotation mark is missing"},
		{"[url:value 'http://a/']", "", "its pattern cannot be read: a comparison is missing after url:value"},
		{"[url:value = 'a'] [", "", "its pattern cannot be read: something follows the pattern"},
		{strings.Repeat("(", 60) + "[url:value = 'a']", "", "its pattern cannot be read: it is nested too deeply"},
		{"[url:value = $]", "", "its pattern cannot be read: a character that no pattern has"},
	} {
		terms, why := parsePattern(c.pattern)
		var got []string
		for _, t := range terms {
			got = append(got, t.is.String()+" "+t.value)
		}
		if g := strings.Join(got, ", "); g != c.terms {
			t.Errorf("%s\n  found %q, want %q", c.pattern, g, c.terms)
		}
		if w := append(why, "")[0]; w != c.why {
			t.Errorf("%s\n  says %q, want %q", c.pattern, w, c.why)
		}
	}
}

func TestABundleIsReadAndNothingIsDroppedInSilence(t *testing.T) {
	id := func(n int) string { return fmt.Sprintf("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd%02d", n) }
	ind := func(n int, rest string) string {
		return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":%q,"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z",%s}`, id(n), rest)
	}
	objects := []string{
		ind(1, `"name":"Beacon","confidence":85,"pattern":"[ipv4-addr:value = '198.51.100.7']","valid_until":"2026-12-24T18:00:00.5Z","object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da","marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"]`),
		ind(2, `"pattern":"[domain-name:value = 'evil.example']","description":"only described"`),
		ind(3, `"pattern":"[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 443]"`),
		ind(4, `"pattern":"[url:value = 'http://a.example/']","revoked":true`),
		ind(5, `"pattern":"[url:value = 'http://a.example/']","valid_until":"2026-01-02T00:00:00Z"`),
		strings.Replace(ind(6, `"pattern":"alert tcp"`), `"stix"`, `"snort"`, 1),
		ind(7, `"pattern":"[ipv4-addr:value = '0.0.0.0/0']"`),
		ind(8, `"pattern":5`),
		strings.Replace(ind(9, `"pattern":"[url:value = 'http://a.example/']"`), "2026-01-01", "2027-01-01", 1),
		`{"type":"malware","id":"malware--1"}`, `{"type":"relationship"}`, `{}`,
	}
	taken, report, err := read(t, STIX, feed, `{"id":"bundle--1","objects":[`+strings.Join(objects, ",")+`],"type":"bundle"}`)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "taken", brief(taken), []string{"ip 198.51.100.7", "domain evil.example alone"})
	want := Indicator{Type: IP, Value: "198.51.100.7", Confidence: 85, Expires: time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC), Source: "feed", TLP: AmberStrict, Why: "Beacon", Ref: id(1)}
	if taken[0] != want {
		t.Errorf("%+v", taken[0])
	}
	if taken[1].Why != "only described" || taken[1].Confidence != 60 {
		t.Errorf("%+v", taken[1])
	}
	expect(t, "not taken", skips(report), []string{
		id(3) + ": it asks for several things at once (AND)", id(4) + ": its author revoked it", id(5) + ": it expired on 2 Jan 2026",
		id(6) + ": its pattern is in the language snort", id(7) + ": it is every address there is",
		id(8) + ": the object cannot be read: a field is not of the kind the standard gives it", id(9) + ": it counts from 1 Jan 2027 00:00 UTC only",
	})
	if report.Other["malware"] != 1 || report.Other["relationship"] != 1 || report.Other["without a type"] != 1 {
		t.Errorf("other: %v", report.Other)
	}
	// The same from a page of a collection.
	var page []json.RawMessage
	for _, o := range objects {
		page = append(page, json.RawMessage(o))
	}
	again, err := STIXObjects(page, feed, func(Indicator) error { return nil })
	if err != nil || again.Read != report.Read || len(again.Skipped) != len(report.Skipped)-1 { // nobody guards here
		t.Errorf("%s, %v", again, err)
	}
}
