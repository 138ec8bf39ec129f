-- +goose Up

-- Replicas that pass hosts on to each other. kept is the address at which one is
-- reached, encrypted and bound to the row's id: whoever can write to this table but has
-- no key cannot make a replica turn to an address of theirs. seen set forward or back
-- only makes one be called in vain, or not be called.
CREATE TABLE replicas (
  workspace TEXT   NOT NULL,
  id        TEXT   NOT NULL,
  kept      BYTEA  NOT NULL,
  seen      BIGINT NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- +goose Down
DROP TABLE replicas;
