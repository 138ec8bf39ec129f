package github

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Secret is a token or key. However it is printed, it does not show.
type Secret string

const hidden = "[secret]"

// String hides it.
func (Secret) String() string { return hidden }

// GoString hides it from %#v.
func (Secret) GoString() string { return hidden }

// Format hides it from every verb, %x and %d included.
func (Secret) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// MarshalText hides it from JSON, YAML and structured logs.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// baseURL checks an address. The address itself is not in the error: it may hold a password.
func baseURL(given, usual string) (string, error) {
	if given == "" {
		return usual, nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("must look like https://host")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("must be a plain address without user, query or fragment")
	}
	return strings.TrimRight(given, "/"), nil
}
