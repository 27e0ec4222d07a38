-- History is proven: each committed row is sealed into a chain of its tenant by a key the database does not have.

ALTER TABLE secrets DROP CONSTRAINT secrets_kind_check;
ALTER TABLE secrets ADD CONSTRAINT secrets_kind_check
    CHECK (kind IN ('bill', 'visma', 'webhook_key', 'audit'));

CREATE TABLE history_unsealed (
    history_id bigint PRIMARY KEY,
    tenant     text NOT NULL
);
COMMENT ON TABLE history_unsealed IS
    'history rows not sealed yet; each comes into being with its row, so commit order does not matter';
CREATE INDEX history_unsealed_tenant ON history_unsealed (tenant, history_id);

INSERT INTO history_unsealed (history_id, tenant) SELECT id, tenant FROM history;

CREATE FUNCTION queue_history_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history_unsealed (history_id, tenant) VALUES (NEW.id, NEW.tenant);
    RETURN NULL;
END $$;
CREATE TRIGGER history_is_sealed_later AFTER INSERT ON history
    FOR EACH ROW EXECUTE FUNCTION queue_history_seal();

CREATE TABLE history_seals (
    tenant     text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    seq        bigint NOT NULL,
    history_id bigint NOT NULL,
    before     bytea NOT NULL,
    mac        bytea NOT NULL,
    purged     bytea,
    sealed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, seq)
);
COMMENT ON COLUMN history_seals.before IS 'the mac of the seal before';
COMMENT ON COLUMN history_seals.mac IS 'HMAC over tenant, seq, before and the history row';
COMMENT ON COLUMN history_seals.purged IS 'HMAC that says that the row was purged by us';
CREATE UNIQUE INDEX history_seals_history_id ON history_seals (history_id);

CREATE TABLE history_heads (
    tenant     text PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    seq        bigint NOT NULL DEFAULT 0,
    mac        bytea,
    proof      bytea,
    sealed_at  timestamptz,
    asked_at   timestamptz
);
COMMENT ON TABLE history_heads IS 'the newest seal of each tenant, so that a cut end is noticed';
COMMENT ON COLUMN history_heads.proof IS 'HMAC over tenant, seq and mac';
COMMENT ON COLUMN history_heads.asked_at IS 'when a sealer was last sent';

CREATE TABLE history_anchors (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant     text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    seq        bigint NOT NULL,
    mac        bytea NOT NULL,
    purged     bigint NOT NULL,
    older_than timestamptz NOT NULL,
    purged_at  timestamptz NOT NULL,
    actor      text NOT NULL,
    proof      bytea NOT NULL
);
COMMENT ON TABLE history_anchors IS
    'one purge of history: how many rows went, and the seal after which the chain now begins';
COMMENT ON COLUMN history_anchors.proof IS 'HMAC over all other columns but id';
CREATE INDEX history_anchors_tenant ON history_anchors (tenant, seq);
