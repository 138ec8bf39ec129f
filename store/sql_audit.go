package store

// Keys, signed heads, and the record as it is stored.
const (
	readAuditKeys   = `SELECT n, id, public, at, prev, by_prev, by_self FROM audit_keys WHERE workspace = $1 ORDER BY n`
	insertAuditKey  = `INSERT INTO audit_keys (workspace, n, id, public, at, prev, by_prev, by_self) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`
	newestAuditKey  = `SELECT n, id FROM audit_keys WHERE workspace = $1 ORDER BY n DESC LIMIT 1`
	insertAuditHead = `
INSERT INTO audit_heads (workspace, stream, seq, hash, at, key, sig) VALUES ($1,$2,$3,$4,$5,$6,$7) ON CONFLICT DO NOTHING`
	readAuditHeads  = `SELECT stream, seq, hash, at, key, sig FROM audit_heads WHERE workspace = $1 AND stream = $2 ORDER BY seq`
	latestAuditTime = `SELECT COALESCE(MAX(at), 0) FROM audit_heads WHERE workspace = $1`

	// Streams of which a line was written or a head signed: a head that speaks of a
	// stream that is no longer there must come to light.
	auditStreams = `
SELECT id FROM (SELECT id FROM incidents WHERE workspace = $1 AND seq > 0
  UNION SELECT stream AS id FROM captured_heads WHERE workspace = $1 AND seq > 0
  UNION SELECT stream AS id FROM audit_heads WHERE workspace = $1) AS all_of_them ORDER BY id`

	// Streams with lines after their last signed head ($2: this one and what was captured
	// of it only, '' any).
	unsignedStreams = `
SELECT i.id, i.seq, i.hash, COALESCE(h.seq, 0), COALESCE(h.hash, ''), COALESCE(h.at, 0), COALESCE(h.key, ''), COALESCE(h.sig, '')
FROM (SELECT workspace, id, seq, hash, updated_at FROM incidents WHERE workspace = $1
  UNION ALL SELECT workspace, stream AS id, seq, hash, updated_at FROM captured_heads WHERE workspace = $1) i
LEFT JOIN audit_heads h ON h.workspace = i.workspace AND h.stream = i.id
  AND h.seq = (SELECT MAX(l.seq) FROM audit_heads l WHERE l.workspace = i.workspace AND l.stream = i.id)
WHERE ($2 = '' OR i.id = $2 OR i.id = $3) AND i.seq > COALESCE(h.seq, 0) ORDER BY i.updated_at LIMIT $4`

	// Which line says that a text was erased, when it is in another stream.
	readErasures = lineColumns + `WHERE workspace = $1 AND kind IN ('redacted','evidence_erased') AND data LIKE $2 ORDER BY stream, seq LIMIT 1`
)
