package store

// The record: streams, events, sealed texts, answers, claims, numbers.
const (
	readStream = `
SELECT i.version, i.seq, COALESCE(s.seq, 0), COALESCE(s.shape, ''), COALESCE(s.body, '')
FROM incidents i LEFT JOIN snapshots s ON s.workspace = i.workspace AND s.stream = i.id
WHERE i.workspace = $1 AND i.id = $2`

	// What a State or a line in memory is held against; see recent.
	readVersion = `
SELECT COALESCE((SELECT version FROM incidents WHERE workspace = $1 AND id = $2), 0),
  COALESCE((SELECT n FROM counters WHERE workspace = $1 AND name = 'erased'), 0)`
	readErased  = `SELECT COALESCE((SELECT n FROM counters WHERE workspace = $1 AND name = 'erased'), 0)`
	countErased = `
INSERT INTO counters (workspace, name, n) VALUES ($1,'erased',1) ON CONFLICT (workspace, name) DO UPDATE SET n = counters.n + 1`

	// How often the master key was changed.
	readRekeyed  = `SELECT COALESCE((SELECT n FROM counters WHERE workspace = $1 AND name = 'rekeyed'), 0)`
	countRekeyed = `
INSERT INTO counters (workspace, name, n) VALUES ($1,'rekeyed',1) ON CONFLICT (workspace, name) DO UPDATE SET n = counters.n + 1`

	// Of a stream whose row is then ours (forUpdate).
	lockStream = `SELECT version, seq, hash, owed, updated_at FROM incidents WHERE workspace = $1 AND id = $2`

	insertStream = `
INSERT INTO incidents (workspace, id, version, seq, hash, owed, status, severity, type, private, drill, room, declared_at, updated_at)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14) ON CONFLICT DO NOTHING`

	updateStream = `
UPDATE incidents SET version = $3, seq = $4, hash = $5, owed = $6, status = $7, severity = $8, type = $9,
  private = $10, drill = $11, room = $12, declared_at = $13, updated_at = $14
WHERE workspace = $1 AND id = $2 AND version = $15`

	readHead = `SELECT seq, hash FROM incidents WHERE workspace = $1 AND id = $2`

	putSnapshot = `
INSERT INTO snapshots (workspace, stream, seq, shape, body) VALUES ($1,$2,$3,$4,$5)
ON CONFLICT (workspace, stream) DO UPDATE SET seq = excluded.seq, shape = excluded.shape, body = excluded.body
WHERE snapshots.seq <= excluded.seq`

	// Streams that nobody touched since $2 and that have events after their snapshot.
	idleStreams = `
SELECT i.id FROM incidents i LEFT JOIN snapshots s ON s.workspace = i.workspace AND s.stream = i.id
WHERE i.workspace = $1 AND i.updated_at < $2 AND i.seq > COALESCE(s.seq, 0)
ORDER BY i.updated_at DESC LIMIT $3`

	insertEvent = `
INSERT INTO events (workspace, stream, seq, kind, v, at, occurred, actor, via, root, data, prev, hash)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`

	lineColumns = `SELECT stream, seq, kind, v, at, occurred, actor, via, root, data, prev, hash FROM events `
	readLines   = lineColumns + `WHERE workspace = $1 AND stream = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5`
	readByRoot  = lineColumns + `WHERE workspace = $1 AND root = $2 ORDER BY at, stream, seq LIMIT $3`

	insertSealed = `INSERT INTO sealed (workspace, ref, stream, seq, body) VALUES ($1,$2,$3,$4,$5)`
	insertKey    = `INSERT INTO sealed_keys (workspace, ref, wrapped) VALUES ($1,$2,$3)`
	eraseSealed  = `DELETE FROM sealed WHERE workspace = $1 AND ref = $2`
	eraseKey     = `DELETE FROM sealed_keys WHERE workspace = $1 AND ref = $2`

	// Followed by a list in parentheses.
	readSealed = `
SELECT s.ref, s.body, k.wrapped FROM sealed s JOIN sealed_keys k ON k.workspace = s.workspace AND k.ref = s.ref
WHERE s.workspace = $1 AND s.ref IN `

	// Followed by a list in parentheses.
	streamsOfSealed = `SELECT DISTINCT stream FROM sealed WHERE workspace = $1 AND ref IN `

	insertAsked = `INSERT INTO asked (workspace, command, answer, at) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING`
	readAsked   = `SELECT answer FROM asked WHERE workspace = $1 AND command = $2`

	insertClaim = `INSERT INTO claims (workspace, key, stream) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`
	readClaim   = `SELECT stream FROM claims WHERE workspace = $1 AND key = $2`

	// Locks the counter until the transaction ends, making it when it is not there.
	lockCounter = `
INSERT INTO counters (workspace, name, n) VALUES ($1,$2,0)
ON CONFLICT (workspace, name) DO UPDATE SET n = counters.n RETURNING n`
	setCounter        = `UPDATE counters SET n = $3 WHERE workspace = $1 AND name = $2`
	insertReservation = `INSERT INTO reservations (workspace, command, n) VALUES ($1,$2,$3)`
	readReservation   = `SELECT n FROM reservations WHERE workspace = $1 AND command = $2`
)

// Reads and what is kept beside the record.
const (
	// $2-$5 statuses, $6 drill: -1 either, 0 no, 1 yes.
	listStreams = `
SELECT id, version FROM incidents
WHERE workspace = $1 AND status <> '' AND status IN ($2,$3,$4,$5) AND ($6 < 0 OR drill = ($6 > 0))
ORDER BY declared_at DESC, id DESC LIMIT $7`

	countStreams = `
SELECT status, severity, COUNT(*) FROM incidents WHERE workspace = $1 AND status <> '' GROUP BY status, severity ORDER BY status, severity`

	// $3-$6 statuses.
	pageOfStreams = `
SELECT id FROM incidents
WHERE workspace = $1 AND id > $2 AND status <> '' AND status IN ($3,$4,$5,$6) ORDER BY id LIMIT $7`

	putCache = `
INSERT INTO cache (workspace, space, key, value, at) VALUES ($1,$2,$3,$4,$5)
ON CONFLICT (workspace, space, key) DO UPDATE SET value = excluded.value, at = excluded.at`
	beginCache = `INSERT INTO cache (workspace, space, key, value, at) VALUES ($1,$2,$3,$4,0) ON CONFLICT (workspace, space, key) DO NOTHING`
	readCache  = `SELECT value, at FROM cache WHERE workspace = $1 AND space = $2 AND key = $3`

	insertPlan = `INSERT INTO plans (workspace, digest, files) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`
	readPlan   = `SELECT files FROM plans WHERE workspace = $1 AND digest = $2`

	insertFact = `INSERT INTO facts (workspace, name, value) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`
	setFact    = `UPDATE facts SET value = $3 WHERE workspace = $1 AND name = $2`
	readFact   = `SELECT value FROM facts WHERE workspace = $1 AND name = $2`
)
