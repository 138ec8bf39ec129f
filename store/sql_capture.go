package store

// What was said and done in the rooms.
const (
	// Makes the head when it is not there, and locks it until the transaction ends.
	lockCapturedHead = `
INSERT INTO captured_heads (workspace, stream, seq, hash, filled) VALUES ($1,$2,0,$3,'')
ON CONFLICT (workspace, stream) DO UPDATE SET seq = captured_heads.seq RETURNING seq, hash`
	setCapturedHead  = `UPDATE captured_heads SET seq = $3, hash = $4 WHERE workspace = $1 AND stream = $2`
	readCapturedHead = `SELECT seq, hash, filled FROM captured_heads WHERE workspace = $1 AND stream = $2`
	setCapturedFill  = `UPDATE captured_heads SET filled = $3 WHERE workspace = $1 AND stream = $2 AND filled < $3`

	isCaptured     = `SELECT seq FROM captured WHERE workspace = $1 AND channel = $2 AND ts = $3 AND kind = $4 AND uniq = $5`
	insertCaptured = `
INSERT INTO captured (workspace, stream, seq, channel, ts, thread, kind, author, app, own, subject, uniq, occurred, at, backfilled, data, prev, hash)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18) ON CONFLICT DO NOTHING`

	// What was last said of something that comes and goes.
	lastOfSubject = `
SELECT kind FROM captured WHERE workspace = $1 AND channel = $2 AND subject = $3 ORDER BY occurred DESC, seq DESC LIMIT 1`

	// The same told in the other way ($7: 1 when this one has a key): see sameMoment.
	toldOtherwise = `
SELECT seq FROM captured WHERE workspace = $1 AND channel = $2 AND subject = $3 AND kind = $4 AND occurred >= $5 AND occurred <= $6
  AND (CASE WHEN uniq = '' THEN 0 ELSE 1 END) <> $7 LIMIT 1`

	lastText = `
SELECT data FROM captured WHERE workspace = $1 AND channel = $2 AND ts = $3 AND kind IN ('message','reply','edited') AND occurred <= $4
ORDER BY occurred DESC, seq DESC LIMIT 1`

	capturedColumns = `
SELECT stream, seq, channel, ts, thread, kind, author, app, own, subject, uniq, occurred, at, backfilled, data, prev, hash FROM captured `
	readCaptured       = capturedColumns + `WHERE workspace = $1 AND stream = $2 AND seq > $3 ORDER BY seq LIMIT $4`
	readCapturedInTime = capturedColumns + `
WHERE workspace = $1 AND stream = $2 AND occurred >= $3 AND (occurred > $3 OR seq > $4) ORDER BY occurred, seq LIMIT $5`
)

// Of a stream's captured texts only.
const eraseCapturedText = `DELETE FROM sealed WHERE workspace = $1 AND ref = $2 AND stream = $3`
