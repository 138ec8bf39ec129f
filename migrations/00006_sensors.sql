-- +goose Up

-- Tokens that enrol a host, once. kept says for which host, until when, and what the
-- token hashes to; like that of tokens it is encrypted and bound to the row's id.
CREATE TABLE sensor_tokens (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  kept      BYTEA  NOT NULL,
  spent     BIGINT NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- Agents of hosts, those that were revoked too. kept binds the agent to its host and
-- machine: whoever can write to this table but has no key can let nobody in. number is
-- that of the last order; set back it only makes the host refuse.
CREATE TABLE sensors (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  host      TEXT   NOT NULL,
  kept      BYTEA  NOT NULL,
  revoked   BIGINT NOT NULL,
  seen      BIGINT NOT NULL,
  about     TEXT   NOT NULL,              -- JSON, as the host told it
  number    BIGINT NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX sensors_host ON sensors (workspace, host) WHERE revoked = 0;

-- Archives that hosts delivered: where each is in the folder for evidence, and the key
-- that reads it, encrypted and bound to the row's id.
CREATE TABLE sensor_archives (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  kept      BYTEA  NOT NULL,
  made      BIGINT NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- +goose Down
DROP TABLE sensor_archives;
DROP TABLE sensors;
DROP TABLE sensor_tokens;
