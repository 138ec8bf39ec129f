-- +goose Up

-- Capture was never switched on in a release in the shape of 00003. Its tables are empty
-- and made anew. A captured line is now a line like any other of the record, in a
-- stream "<incident>/room" beside that of the events, so that heads, exports and
-- whoever verifies them need to know of one form only.
DROP TABLE captured_heads;
DROP TABLE captured;

-- Never updated, never deleted from; texts are in "sealed". The columns after hash
-- repeat what data says, for looking it up.
CREATE TABLE captured (
  workspace  TEXT    NOT NULL,
  stream     TEXT    NOT NULL,
  seq        BIGINT  NOT NULL,
  kind       TEXT    NOT NULL,
  v          BIGINT  NOT NULL,
  at         BIGINT  NOT NULL,
  occurred   BIGINT  NOT NULL,
  actor      TEXT    NOT NULL,              -- the person behind the account, '' when nobody knows
  via        TEXT    NOT NULL,
  root       TEXT    NOT NULL,              -- the name it was first told by
  data       TEXT    NOT NULL,
  prev       TEXT    NOT NULL,
  hash       TEXT    NOT NULL,
  channel    TEXT    NOT NULL,
  ts         TEXT    NOT NULL,
  what       TEXT    NOT NULL,
  scope      TEXT    NOT NULL,              -- what a subject is among: "pin", "member", "reaction:<ts>"
  subject    TEXT    NOT NULL,
  moment     BIGINT  NOT NULL,              -- occurred, in microseconds
  seen       BOOLEAN NOT NULL,              -- told by the present state, not by an event or message
  PRIMARY KEY (workspace, stream, seq)
);
CREATE INDEX captured_in_time ON captured (workspace, stream, moment, seq);
CREATE INDEX captured_message ON captured (workspace, channel, ts);
CREATE INDEX captured_subject ON captured (workspace, channel, scope, subject) WHERE scope <> '';

-- By what names a captured thing was told. Slack tells the same thing in several ways,
-- and each of them again; a name is here once, and who comes second writes no line.
CREATE TABLE captured_names (
  workspace TEXT   NOT NULL,
  channel   TEXT   NOT NULL,
  name      TEXT   NOT NULL,
  stream    TEXT   NOT NULL,
  seq       BIGINT NOT NULL,
  PRIMARY KEY (workspace, channel, name)
);
CREATE INDEX captured_names_line ON captured_names (workspace, stream, seq);

-- The end of each chain, and up to where (a Slack time) history was compared with it.
CREATE TABLE captured_heads (
  workspace  TEXT   NOT NULL,
  stream     TEXT   NOT NULL,
  seq        BIGINT NOT NULL,
  hash       TEXT   NOT NULL,
  filled     TEXT   NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (workspace, stream)
);

-- +goose Down
DROP TABLE captured_heads;
DROP TABLE captured_names;
DROP TABLE captured;
CREATE TABLE captured (
  workspace TEXT NOT NULL, stream TEXT NOT NULL, seq BIGINT NOT NULL, channel TEXT NOT NULL, ts TEXT NOT NULL, thread TEXT NOT NULL,
  kind TEXT NOT NULL, author TEXT NOT NULL, app TEXT NOT NULL, own BOOLEAN NOT NULL, subject TEXT NOT NULL, uniq TEXT NOT NULL,
  occurred BIGINT NOT NULL, at BIGINT NOT NULL, backfilled BOOLEAN NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY (workspace, stream, seq)
);
CREATE UNIQUE INDEX captured_once ON captured (workspace, channel, ts, kind, uniq);
CREATE INDEX captured_in_time ON captured (workspace, stream, occurred, seq);
CREATE INDEX captured_subject ON captured (workspace, channel, subject, occurred, seq) WHERE subject <> '';
CREATE TABLE captured_heads (
  workspace TEXT NOT NULL, stream TEXT NOT NULL, seq BIGINT NOT NULL, hash TEXT NOT NULL, filled TEXT NOT NULL,
  PRIMARY KEY (workspace, stream)
);
