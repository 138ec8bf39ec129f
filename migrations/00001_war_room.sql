-- +goose Up

-- A stream of events: an incident, or a register of holds ("hold:…"). The columns
-- after "owed" are a projection of the events, for lists; a register has none of them.
CREATE TABLE incidents (
  workspace   TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  version     BIGINT  NOT NULL,           -- moves with every commit
  seq         BIGINT  NOT NULL,           -- number of the last event
  hash        TEXT    NOT NULL,           -- of the last event, hex
  owed        BIGINT  NOT NULL,           -- effects ever owed; orders a lane
  status      TEXT    NOT NULL,           -- '' for what is never listed
  severity    BIGINT  NOT NULL,
  type        TEXT    NOT NULL,
  private     BOOLEAN NOT NULL,
  drill       BOOLEAN NOT NULL,
  room        TEXT    NOT NULL,           -- channel id
  declared_at BIGINT  NOT NULL,
  updated_at  BIGINT  NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX incidents_newest ON incidents (workspace, declared_at DESC) WHERE status <> '';

-- The State as it was after event seq, so that loading is cheap at any age. Only a
-- saving of time: a snapshot of another shape is passed over and the events are folded.
CREATE TABLE snapshots (
  workspace TEXT   NOT NULL,
  stream    TEXT   NOT NULL,
  seq       BIGINT NOT NULL,
  shape     TEXT   NOT NULL,
  body      TEXT   NOT NULL,
  PRIMARY KEY (workspace, stream),
  FOREIGN KEY (workspace, stream) REFERENCES incidents (workspace, id)
);

-- The record. Never updated, never deleted from.
CREATE TABLE events (
  workspace TEXT   NOT NULL,
  stream    TEXT   NOT NULL,
  seq       BIGINT NOT NULL,
  kind      TEXT   NOT NULL,
  v         BIGINT NOT NULL,
  at        BIGINT NOT NULL,
  occurred  BIGINT NOT NULL,
  actor     TEXT   NOT NULL,
  via       TEXT   NOT NULL,
  root      TEXT   NOT NULL,
  data      TEXT   NOT NULL,
  prev      TEXT   NOT NULL,              -- hash of the line before, hex
  hash      TEXT   NOT NULL,
  PRIMARY KEY (workspace, stream, seq),
  FOREIGN KEY (workspace, stream) REFERENCES incidents (workspace, id)
);
CREATE INDEX events_root ON events (workspace, root);

-- Text that a person wrote: salt and text, encrypted under a key of its own.
CREATE TABLE sealed (
  workspace TEXT   NOT NULL,
  ref       TEXT   NOT NULL,              -- hex SHA-256 of salt and text
  stream    TEXT   NOT NULL,
  seq       BIGINT NOT NULL,
  body      BYTEA  NOT NULL,
  PRIMARY KEY (workspace, ref)
);

-- Those keys, wrapped by the master key. Destroying one erases its text from every
-- copy of the table above, back-ups included.
CREATE TABLE sealed_keys (
  workspace TEXT  NOT NULL,
  ref       TEXT  NOT NULL,
  wrapped   BYTEA NOT NULL,
  PRIMARY KEY (workspace, ref)
);

-- Work the world still owes. Of a lane at most one effect is open, its head; the
-- others are queued. due_at is clock, retry and end of the lease in one.
CREATE TABLE effects (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  incident  TEXT   NOT NULL,
  lane      TEXT   NOT NULL,
  ord       BIGINT NOT NULL,              -- order within the lane
  seq       BIGINT NOT NULL,              -- event it follows from
  rank      BIGINT NOT NULL,
  kind      TEXT   NOT NULL,
  body      TEXT   NOT NULL,
  due       BIGINT NOT NULL,              -- as it was owed
  due_at    BIGINT NOT NULL,              -- as it stands
  not_after BIGINT NOT NULL,
  merge_key TEXT   NOT NULL,
  state     TEXT   NOT NULL,              -- open, queued, done, dead
  owner     TEXT   NOT NULL DEFAULT '',
  attempt   BIGINT NOT NULL DEFAULT 0,
  error     TEXT   NOT NULL DEFAULT '',
  settled   BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, incident) REFERENCES incidents (workspace, id)
);
CREATE UNIQUE INDEX effects_head  ON effects (workspace, lane) WHERE state = 'open';
CREATE UNIQUE INDEX effects_queue ON effects (workspace, lane, ord) WHERE state = 'queued';
-- Rank comes before the time so that a claim of one rank is one range, however many
-- clocks of that rank wait for later.
CREATE INDEX effects_due   ON effects (workspace, rank, due_at) WHERE state = 'open';
CREATE INDEX effects_dead  ON effects (workspace, settled) WHERE state = 'dead';
CREATE INDEX effects_event ON effects (workspace, incident, seq) WHERE state IN ('open', 'queued');

-- Answers to commands, so that a repeat gets the same.
CREATE TABLE asked (
  workspace TEXT   NOT NULL,
  command   TEXT   NOT NULL,
  answer    TEXT   NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (workspace, command)
);
CREATE INDEX asked_at ON asked (workspace, at);

-- Keys that one stream holds alone: a room, a vendor's incident.
CREATE TABLE claims (
  workspace TEXT NOT NULL,
  key       TEXT NOT NULL,
  stream    TEXT NOT NULL,
  PRIMARY KEY (workspace, key)
);

CREATE TABLE counters (
  workspace TEXT   NOT NULL,
  name      TEXT   NOT NULL,
  n         BIGINT NOT NULL,
  PRIMARY KEY (workspace, name)
);

-- Numbers given to commands.
CREATE TABLE reservations (
  workspace TEXT   NOT NULL,
  command   TEXT   NOT NULL,
  n         BIGINT NOT NULL,
  PRIMARY KEY (workspace, command)
);

-- What was learned from vendors and may be learned again. Encrypted: it holds
-- people's contact details.
CREATE TABLE cache (
  workspace TEXT   NOT NULL,
  space     TEXT   NOT NULL,
  key       TEXT   NOT NULL,
  value     BYTEA  NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (workspace, space, key)
);

-- Every plan that was ever accepted, by digest.
CREATE TABLE plans (
  workspace TEXT  NOT NULL,
  digest    TEXT  NOT NULL,
  files     BYTEA NOT NULL,
  PRIMARY KEY (workspace, digest)
);

-- Facts about the database itself, such as which master key it was made with.
CREATE TABLE facts (
  workspace TEXT  NOT NULL,
  name      TEXT  NOT NULL,
  value     BYTEA NOT NULL,
  PRIMARY KEY (workspace, name)
);

-- +goose Down
DROP TABLE facts;
DROP TABLE plans;
DROP TABLE cache;
DROP TABLE reservations;
DROP TABLE counters;
DROP TABLE claims;
DROP TABLE asked;
DROP TABLE effects;
DROP TABLE sealed_keys;
DROP TABLE sealed;
DROP TABLE events;
DROP TABLE snapshots;
DROP TABLE incidents;
