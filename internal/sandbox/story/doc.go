// Package story plays scripted incidents in the sandbox: people type, click and
// answer pages, vendors break and recover, hours pass, and after each step the story
// says what anybody must now be able to see.
//
// A story is a txtar file. Its comment is the script, one step a line; lines that
// begin with # are prose and the first of them is the title. Where the archive has a
// file named "story", that file is the script and the whole comment is prose. The
// other files are fixtures: file:name in a step stands for the content of one.
//
//	# A stolen session is cut off after one approval.
//	alice types '/incident declare p1 okta session theft'
//	channel inc-0001-* has alice
//	pagerduty paged bob
//	bob acknowledges in pagerduty
//	alice goes to #inc-0001-*
//	alice sees 'Acknowledged by @bob'
//
// Words are quoted as in a shell. In quoted text … stands for anything, and ${x*300}
// for x three hundred times; in names of channels * stands for anything. Text is
// compared as a person reads it: formatted, mentions as @name, buttons by their
// labels, white space as one blank. Alice Archer and @alice are the same; a broadcast
// that rings everybody reads (!)@channel.
//
// Every expectation is tried until it holds or the Player's Patience is over. What
// must not be is looked for once everything has been quiet for a while. Forms lists
// all steps.
package story
