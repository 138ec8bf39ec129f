// Package bot is the Slack surface, and the grammar every surface shares. It is the
// only package that knows Slack.
//
// Words come in (a slash command, a mention, a button, a form, `tocsin do`) and go
// through Room.Do: words.go takes a line apart, verb.go finds the verb, one file per
// verb turns its words into a command for the engine or answers a question from the
// record. The doors (socket.go, http.go) only carry words in; the performers
// (perform*.go) only carry effects out. blocks.go draws a templates.Card as Block Kit.
//
// The engine is seen through two interfaces: an Asker, to whom commands are handed,
// and a Reader, of whom questions are asked.
package bot
