package store

// What was said and done in the rooms.
const (
	// Makes the head when it is not there, and locks it until the transaction ends.
	lockCapturedHead = `
INSERT INTO captured_heads (workspace, stream, seq, hash, filled, updated_at) VALUES ($1,$2,0,$3,'',0)
ON CONFLICT (workspace, stream) DO UPDATE SET seq = captured_heads.seq RETURNING seq, hash`
	setCapturedHead  = `UPDATE captured_heads SET seq = $3, hash = $4, updated_at = $5 WHERE workspace = $1 AND stream = $2`
	readCapturedHead = `SELECT seq, hash, filled FROM captured_heads WHERE workspace = $1 AND stream = $2`
	setCapturedFill  = `UPDATE captured_heads SET filled = $3 WHERE workspace = $1 AND stream = $2 AND filled < $3`

	insertCapturedName = `
INSERT INTO captured_names (workspace, channel, name, stream, seq) VALUES ($1,$2,$3,$4,$5) ON CONFLICT DO NOTHING`
	capturedName    = `SELECT seq FROM captured_names WHERE workspace = $1 AND channel = $2 AND name = $3`
	namesOfCaptured = `SELECT name FROM captured_names WHERE workspace = $1 AND stream = $2 AND seq = $3`
	insertCaptured  = `
INSERT INTO captured (workspace, stream, seq, kind, v, at, occurred, actor, via, root, data, prev, hash,
  channel, ts, what, scope, subject, moment, seen)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)`

	// Everything that was told of what comes and goes.
	toldOfScope = `
SELECT stream, seq, actor, data, seen FROM captured WHERE workspace = $1 AND channel = $2 AND scope = $3 ORDER BY seq`

	// The versions of a message's text, the latest last.
	capturedVersions = `
SELECT seq, data FROM captured WHERE workspace = $1 AND channel = $2 AND ts = $3 AND what IN ('message','reply','edited')
ORDER BY moment, seq`
	capturedOfMessage = `SELECT data FROM captured WHERE workspace = $1 AND channel = $2 AND ts = $3`

	capturedColumns = `
SELECT stream, seq, kind, v, at, occurred, actor, via, root, data, prev, hash, channel, ts, what, scope, subject, moment, seen FROM captured `
	readCaptured       = capturedColumns + `WHERE workspace = $1 AND stream = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	readCapturedInTime = capturedColumns + `
WHERE workspace = $1 AND stream = $2 AND moment >= $3 AND (moment > $3 OR seq > $4) ORDER BY moment, seq LIMIT $5`

	// As lines of the record, for whoever signs and exports them.
	capturedLines = `
SELECT stream, seq, kind, v, at, occurred, actor, via, root, data, prev, hash FROM captured
WHERE workspace = $1 AND stream = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5`
)
