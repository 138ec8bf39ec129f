-- +goose Up

-- What people asked for that took longer than Slack waits: it was answered that Tocsin
-- is at it, so it has to be carried out even if the process that was at it dies. A row
-- goes when its outcome was told. kept is the request, encrypted and bound to the row's
-- id: whoever can write to this table but has no key can put no words into anybody's
-- mouth.
CREATE TABLE requests (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  kept      BYTEA  NOT NULL,
  until     BIGINT NOT NULL,              -- whoever is at it has it so long
  tries     BIGINT NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- +goose Down
DROP TABLE requests;
