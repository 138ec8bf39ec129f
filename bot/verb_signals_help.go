package bot

var signalsHelpVerb = verb{
	Name: "help", Aliases: []string{"?", "--help", "-h"}, Book: bookSignals,
	Usage:    "[verb]",
	Summary:  "What can be said about hosts and what is found on them.",
	Examples: []string{"help hunt"},
	Anywhere: true, Fresh: true,
	Run: runHelp,
}
