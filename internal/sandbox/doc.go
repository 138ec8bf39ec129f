// Package sandbox is the world around Tocsin in one process: a Slack workspace, a
// PagerDuty account and a GitHub, each an honest server on its own loopback port,
// with the same dozen people in all three. The demo, drills and story tests live in
// it. It shares no code with Tocsin: whatever both got wrong would look right.
//
// Start opens the world, Install puts the app into the workspace by its manifest,
// Connect says where the vendors find the app, and Close ends everything. The people
// are played through the servers' own verbs, or by a story (package story).
package sandbox
