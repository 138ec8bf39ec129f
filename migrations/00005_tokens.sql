-- +goose Up

-- The tokens people come with over the API. kept says whose a token is, until when,
-- and what it hashes to; it is encrypted and bound to the row's id, so that whoever
-- can write to this table but has no key can neither make a token nor give one to
-- somebody else.
CREATE TABLE tokens (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  kept      BYTEA  NOT NULL,
  used      BIGINT NOT NULL,              -- last; to the minute
  revoked   BIGINT NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- +goose Down
DROP TABLE tokens;
