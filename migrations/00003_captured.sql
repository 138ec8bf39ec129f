-- +goose Up

-- What was said and done in the rooms. Never updated, never deleted from; texts are
-- in "sealed". Each stream has a chain of its own beside that of its events.
CREATE TABLE captured (
  workspace  TEXT    NOT NULL,
  stream     TEXT    NOT NULL,
  seq        BIGINT  NOT NULL,
  channel    TEXT    NOT NULL,
  ts         TEXT    NOT NULL,
  thread     TEXT    NOT NULL,
  kind       TEXT    NOT NULL,
  author     TEXT    NOT NULL,
  app        TEXT    NOT NULL,
  own        BOOLEAN NOT NULL,
  subject    TEXT    NOT NULL,
  uniq       TEXT    NOT NULL,
  occurred   BIGINT  NOT NULL,
  at         BIGINT  NOT NULL,
  backfilled BOOLEAN NOT NULL,
  data       TEXT    NOT NULL,              -- digests of the texts, as JSON
  prev       TEXT    NOT NULL,
  hash       TEXT    NOT NULL,
  PRIMARY KEY (workspace, stream, seq)
);
-- Nothing is in the record twice.
CREATE UNIQUE INDEX captured_once ON captured (workspace, channel, ts, kind, uniq);
CREATE INDEX captured_in_time ON captured (workspace, stream, occurred, seq);
CREATE INDEX captured_subject ON captured (workspace, channel, subject, occurred, seq) WHERE subject <> '';

-- The end of each chain, and up to where (a Slack time) history was compared with it.
CREATE TABLE captured_heads (
  workspace TEXT   NOT NULL,
  stream    TEXT   NOT NULL,
  seq       BIGINT NOT NULL,
  hash      TEXT   NOT NULL,
  filled    TEXT   NOT NULL,
  PRIMARY KEY (workspace, stream)
);

-- +goose Down
DROP TABLE captured_heads;
DROP TABLE captured;
