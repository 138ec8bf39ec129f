// Package config is what an operator sets: flags, environment, files. It is read once,
// before anything else exists. Every option has one name as a flag and one in the
// environment; secrets come from the environment or from a file and never print.
package config

import (
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
)

// Secret is a token, key or password. It never prints, whatever prints it.
type Secret struct{ value string }

// NewSecret wraps a value that came from somewhere safe.
func NewSecret(v string) Secret { return Secret{v} }

// Reveal is the value, for the one call that needs it.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether there is a value.
func (s Secret) IsSet() bool { return s.value != "" }

// String never shows the value.
func (s Secret) String() string {
	if s.value == "" {
		return "not set"
	}
	return "set"
}

// GoString never shows the value.
func (s Secret) GoString() string { return "config.Secret(" + s.String() + ")" }

// MarshalText never shows the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue never shows the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// a secret file is a token or a key, never a disk image.
const maxSecretFile = 64 << 10

// UnmarshalText reads a value, or "@/path/to/file" for the file's content without the
// line end.
func (s *Secret) UnmarshalText(text []byte) error {
	v := string(text)
	path, ok := strings.CutPrefix(v, "@")
	if !ok {
		s.value = v
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read secret file: %w", err)
	}
	if info.Size() > maxSecretFile {
		return fmt.Errorf("read secret file %s: larger than %d bytes", path, maxSecretFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read secret file: %w", err)
	}
	s.value = strings.TrimRight(string(b), "\r\n")
	return nil
}

// Secrets are all that are set, wherever they stand in the configuration: whoever hides
// them hides the ones that are added later too.
func (c Config) Secrets() []Secret {
	var out []Secret
	secretsIn(reflect.ValueOf(c), &out)
	return out
}

func secretsIn(v reflect.Value, out *[]Secret) {
	if s, ok := v.Interface().(Secret); ok {
		if s.IsSet() {
			*out = append(*out, s)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				secretsIn(v.Field(i), out)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			secretsIn(v.Index(i), out)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			secretsIn(v.MapIndex(k), out)
		}
	}
}
