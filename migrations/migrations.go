// Package migrations holds the tables of Tocsin, as numbered SQL files that are part
// of the program. One text serves SQLite and PostgreSQL: names are TEXT, times are
// BIGINT unix milliseconds in UTC with 0 for "none", JSON is TEXT (never JSONB: the
// hash chain is over the exact bytes), bytes are BYTEA, which SQLite takes as a name
// without a rule. The key of every table begins with the workspace.
//
// package store applies them when it opens a database. A file that has been released
// is never changed; the next change is a new file.
package migrations

import "embed"

// FS holds the files, named NNNNN_what.sql, in goose's notation.
//
//go:embed *.sql
var FS embed.FS
