// Package rules is the starter pack: Sigma rules of Tocsin's own over the Linux techniques
// that matter most, each with what its false positives are, and beside it, in tests, the
// events for which it fires and for which it must not.
package rules

import "embed"

//go:embed *.yml tests/*.yml
var files embed.FS

// Files are the rules, *.yml, and their test events, tests/*.yml.
func Files() embed.FS { return files }
