package bot

import "github.com/tocsin-ir/tocsin/incident"

// VerbHelp is what help knows of one verb, for completion and generated tables.
type VerbHelp struct {
	Text     string // "/incident declare"
	Usage    string
	Summary  string
	Examples []string
	Who      incident.Right
}

// Verbs lists everything that can be said, in the order of help, under the names that
// the first two commands have here.
func Verbs(prefix, report string) []VerbHelp {
	var out []VerbHelp
	for _, v := range verbs() {
		command := prefix
		switch v.Book {
		case bookReport:
			command = report
		case bookContain:
			command = "/contain"
		case bookSignals:
			command = "/signals"
		}
		h := VerbHelp{Text: command + " " + v.Name, Usage: v.Usage, Summary: v.Summary, Who: v.Who}
		for _, e := range v.Examples {
			h.Examples = append(h.Examples, command+" "+e)
		}
		out = append(out, h)
	}
	return out
}
