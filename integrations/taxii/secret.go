package taxii

import "fmt"

// Secret is a password or token. However it is printed, it does not show.
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
