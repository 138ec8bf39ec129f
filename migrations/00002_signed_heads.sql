-- +goose Up

-- The keys that sign heads of the record, each signed by the one before it; the
-- private halves are never here. See docs/audit.md for what is signed.
CREATE TABLE audit_keys (
  workspace TEXT   NOT NULL,
  n         BIGINT NOT NULL,              -- 1 for the first
  id        TEXT   NOT NULL,
  public    TEXT   NOT NULL,              -- ed25519, hex
  at        BIGINT NOT NULL,
  prev      TEXT   NOT NULL,              -- id of the key before, '' for the first
  by_prev   TEXT   NOT NULL,              -- signature by that key, hex, '' for the first
  by_self   TEXT   NOT NULL,              -- signature by this key, hex
  PRIMARY KEY (workspace, n)
);
CREATE UNIQUE INDEX audit_keys_id ON audit_keys (workspace, id);

-- Signed heads: up to line seq the record of a stream was this and nothing else.
-- Never updated, never deleted from; no reference to the stream, so that a head
-- outlives whatever happens to what it speaks of.
CREATE TABLE audit_heads (
  workspace TEXT   NOT NULL,
  stream    TEXT   NOT NULL,
  seq       BIGINT NOT NULL,
  hash      TEXT   NOT NULL,
  at        BIGINT NOT NULL,
  key       TEXT   NOT NULL,              -- id
  sig       TEXT   NOT NULL,              -- hex
  PRIMARY KEY (workspace, stream, seq)
);

-- +goose Down
DROP TABLE audit_heads;
DROP TABLE audit_keys;
