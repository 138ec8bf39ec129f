package aws

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// asked is one request, read.
type asked struct {
	*http.Request
	region, service, action string
	body                    []byte
	form                    url.Values
	json                    map[string]any
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	code   string
}

// versions are the only ones of the query services that SDKs speak.
var versions = map[string]string{"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15"}

// read finds out what is asked for, in the service's own protocol.
func (q *asked) read() *refusal {
	var err error
	switch q.service {
	case "iam", "sts", "ec2":
		if q.form, err = url.ParseQuery(string(q.body)); err != nil || q.form.Get("Version") != versions[q.service] {
			return &refusal{http.StatusBadRequest, "InvalidParameterValue"}
		}
		q.action = q.form.Get("Action")
	case "wafv2", "route53resolver":
		_, q.action, _ = strings.Cut(q.Header.Get("X-Amz-Target"), ".")
		if q.Header.Get("Content-Type") != "application/x-amz-json-1.1" || json.Unmarshal(q.body, &q.json) != nil {
			return &refusal{http.StatusBadRequest, "SerializationException"}
		}
	case "guardduty":
		q.action = guardAction(q)
	case "s3":
		q.action = s3Action(q)
	}
	if q.action == "" {
		return &refusal{http.StatusBadRequest, "InvalidAction"}
	}
	return nil
}

// writes reports whether it would change something.
func (q *asked) writes() bool {
	for _, verb := range []string{"Get", "List", "Describe", "Head", "Simulate", "AssumeRole"} {
		if strings.HasPrefix(q.action, verb) {
			return false
		}
	}
	return true
}

// serviceOf is what a request was signed for; S3 where it was not signed.
func serviceOf(r *http.Request) string {
	if part := authorization.FindStringSubmatch(r.Header.Get("Authorization")); part != nil {
		return part[4]
	}
	return "s3"
}

// Method names a request as fault rules do: "iam:UpdateAccessKey".
func Method(r *http.Request) string {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	r.Body = io.NopCloser(bytes.NewReader(body))
	q := &asked{Request: r, service: serviceOf(r), body: body}
	if err != nil || q.read() != nil {
		return q.service + ":"
	}
	return q.service + ":" + q.action
}

// members are the values of a query list: ActionNames.member.1, or EC2's InstanceId.1.
func (q *asked) members(prefix string) []string {
	var out []string
	for i := 1; ; i++ {
		at, ok := q.form[numbered(prefix, i)]
		if !ok {
			return out
		}
		out = append(out, at[0])
	}
}

// str is a member of a JSON request.
func (q *asked) str(name string) string {
	s, _ := q.json[name].(string)
	return s
}
