package aws

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// rights are the IAM actions that a call needs,
// https://docs.aws.Server.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (q *asked) rights() []string {
	right := q.service + ":" + q.action
	switch {
	case right == "sts:GetCallerIdentity", right == "sts:AssumeRole", q.service == "s3" && q.Header.Get("Authorization") == "":
		return nil // everybody may
	case right == "s3:HeadBucket":
		return []string{"s3:ListBucket"}
	case right == "s3:DeletePublicAccessBlock":
		return []string{"s3:PutBucketPublicAccessBlock"}
	case strings.HasSuffix(right, "PublicAccessBlock"):
		return []string{strings.Replace(right, "Public", "BucketPublic", 1)}
	case q.service == "ec2" && q.form.Get("TagSpecification.1.Tag.1.Key") != "":
		return []string{right, "ec2:CreateTags"}
	case q.service == "ec2" && q.form.Get("IamInstanceProfile.Arn") != "":
		return []string{right, "iam:PassRole"}
	}
	return []string{right}
}

// failCode is the code that a service would give with a status.
func failCode(service string, status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "AuthFailure"
	case http.StatusForbidden:
		switch service {
		case "ec2":
			return "UnauthorizedOperation"
		case "wafv2", "route53resolver", "guardduty":
			return "AccessDeniedException"
		}
		return "AccessDenied"
	case http.StatusTooManyRequests:
		return "ThrottlingException"
	case http.StatusNotFound:
		return "ResourceGone"
	}
	if status >= 500 {
		return "InternalFailure"
	}
	return "ValidationError"
}

// said is the message of every refusal: an app that repeats what a vendor said is found out.
const said = "vendor said what nobody may repeat"

// answer writes an answer, or a refusal in the service's own form.
func (s *Server) answer(w http.ResponseWriter, q *asked, out string, bad *refusal) {
	if q.service == "s3" {
		for name, value := range s3Headers(s, q) {
			w.Header().Set(name, value)
		}
	}
	write(w, q.service, out, bad)
}

func write(w http.ResponseWriter, service, out string, bad *refusal) {
	status, kind := http.StatusOK, "text/xml"
	isJSON := service == "wafv2" || service == "route53resolver" || service == "guardduty"
	if isJSON {
		kind = "application/x-amz-json-1.1"
	}
	if bad != nil {
		status = bad.status
		switch {
		case isJSON:
			out = fmt.Sprintf(`{"__type":%q,"message":%q}`, bad.code, said)
		case service == "ec2":
			out = el("Response", el("Errors", el("Error", leaf("Code", bad.code), leaf("Message", said))), leaf("RequestID", "r-1"))
		case service == "s3":
			out = el("Error", leaf("Code", bad.code), leaf("Message", said))
		default:
			out = el("ErrorResponse", el("Error", leaf("Type", "Sender"), leaf("Code", bad.code), leaf("Message", said)), leaf("RequestId", "r-1"))
		}
		if status == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "7")
		}
		if isJSON {
			w.Header().Set("X-Amzn-Errortype", bad.code)
		}
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, out) //nolint:gosec // XML and JSON of an API, read by no browser
}

// el and leaf write XML.
func el(name string, inner ...string) string {
	return "<" + name + ">" + strings.Join(inner, "") + "</" + name + ">"
}

func leaf(name, text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return el(name, b.String())
}

func numbered(prefix string, i int) string { return fmt.Sprintf("%s.%d", prefix, i) }

// inWords says in the service's own form what an ordered fault answers.
type inWords struct {
	http.ResponseWriter
	service string
	status  int
}

func (w *inWords) WriteHeader(status int) { w.status = status }

func (w *inWords) Write(b []byte) (int, error) {
	write(w.ResponseWriter, w.service, "", &refusal{w.status, failCode(w.service, w.status)})
	return len(b), nil
}
