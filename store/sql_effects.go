package store

// The queue. One lane has at most one open effect, its head.
const (
	insertEffect = `
INSERT INTO effects (workspace, id, incident, lane, ord, seq, rank, kind, body, due, due_at, not_after, merge_key, state)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,
  CASE WHEN EXISTS (SELECT 1 FROM effects WHERE workspace = $14 AND lane = $15 AND state = 'open') THEN 'queued' ELSE 'open' END)`

	// A waiting effect that may stand for another: nobody has it now. Locked, so that
	// it is not claimed and rendered before what made the other necessary is committed.
	// The head comes before what is queued. Two statements, because SQLite uses the
	// index of a state only where the state stands alone; with OR it reads the table.
	findMergeHead  = `SELECT id FROM effects WHERE workspace = $1 AND lane = $2 AND merge_key = $3 AND state = 'open' AND owner = ''`
	findMergeQueue = `
SELECT id FROM effects WHERE workspace = $1 AND lane = $2 AND merge_key = $3 AND state = 'queued' ORDER BY ord LIMIT 1`

	// It takes the earlier time (unless it waits for a retry) and the later end.
	widenMerge = `
UPDATE effects SET
  due_at = CASE WHEN attempt = 0 AND due_at > $3 THEN $3 ELSE due_at END,
  not_after = CASE WHEN not_after = 0 OR CAST($4 AS BIGINT) = 0 THEN 0 WHEN not_after < $4 THEN $4 ELSE not_after END
WHERE workspace = $1 AND id = $2`

	taskColumns = `id, incident, lane, seq, rank, kind, body, due, not_after, merge_key, attempt, owner`

	// When the first of each rank falls due. A minimum, and not whether there is one that
	// is due: PostgreSQL takes that question for one that many rows answer, and reads a
	// hundred thousand clocks that wait to find none.
	firstDue = `
SELECT COALESCE((SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 0), 0),
  COALESCE((SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 1), 0),
  COALESCE((SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 2), 0),
  COALESCE((SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 3), 0)`

	// $1 workspace, $2 owner, $3 end of the lease, $4 now, $5 rank, $6 how many. The
	// lock is put between the halves. MATERIALIZED is required: PostgreSQL may run a
	// sub-select with SKIP LOCKED once for every row it is compared with, and each run
	// passes over what the last one locked, so that more are claimed than were asked for.
	claimEffects = `
WITH picked AS MATERIALIZED (
  SELECT id FROM effects WHERE workspace = $1 AND state = 'open' AND rank = $5 AND due_at <= $4
  ORDER BY due_at LIMIT $6`
	claimReturning = `)
UPDATE effects SET owner = $2, due_at = $3, attempt = attempt + 1
WHERE workspace = $1 AND state = 'open' AND due_at <= $4 AND id IN (SELECT id FROM picked)
RETURNING ` + taskColumns

	// Fenced: no row means that the lease was lost. $8 is 1 when the attempt does not count.
	settleEffect = `
UPDATE effects SET state = $4, due_at = $5, error = $6, owner = '', settled = $7, attempt = attempt - $8
WHERE workspace = $1 AND id = $2 AND owner = $3 AND attempt = $9 AND state = 'open'`

	promoteNext = `
UPDATE effects SET state = 'open' WHERE workspace = $1 AND id = (
  SELECT id FROM effects WHERE workspace = $1 AND lane = $2 AND state = 'queued' ORDER BY ord LIMIT 1)`

	nextDue = `
SELECT COALESCE(MIN(d), 0) FROM (
  SELECT MIN(due_at) AS d FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 0
  UNION ALL SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 1
  UNION ALL SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 2
  UNION ALL SELECT MIN(due_at) FROM effects WHERE workspace = $1 AND state = 'open' AND rank = 3) AS ranks`

	openEffects = `SELECT ` + taskColumns + ` FROM effects
WHERE workspace = $1 AND incident = $2 AND state IN ('open', 'queued') ORDER BY ord`

	openByRoot = `SELECT ` + taskColumns + ` FROM effects
WHERE workspace = $1 AND state IN ('open', 'queued')
  AND (incident, seq) IN (SELECT stream, seq FROM events WHERE workspace = $1 AND root = $2)
ORDER BY incident, ord`

	deadEffects = `SELECT ` + taskColumns + `, error, settled FROM effects
WHERE workspace = $1 AND state = 'dead' ORDER BY settled DESC, id LIMIT $2`
)
