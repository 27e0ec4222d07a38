-- Operators are told once of what is wrong with a tenant, and a record's wait is counted from when it became due.

CREATE TABLE alerts (
    tenant     text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    what       text NOT NULL CHECK (what IN ('lag', 'dead_letters', 'held', 'circuit_bill', 'circuit_visma')),
    detail     text NOT NULL,
    raised_at  timestamptz NOT NULL DEFAULT now(),
    calm_since timestamptz,
    PRIMARY KEY (tenant, what)
);
COMMENT ON TABLE alerts IS 'what stands above a limit of its tenant and was told';
COMMENT ON COLUMN alerts.calm_since IS 'below the limit since then; it is over once that has lasted';

ALTER TABLE tenants ADD COLUMN alerts_checked_at timestamptz;

ALTER TABLE records ADD COLUMN due_since timestamptz;
COMMENT ON COLUMN records.due_since IS 'when work that was not there before came to the row';
UPDATE records SET due_since = changed_at WHERE wanted > done;

CREATE FUNCTION note_due_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.due_since := now();
    RETURN NEW;
END $$;
CREATE TRIGGER record_is_new BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION note_due_since();
CREATE TRIGGER record_becomes_due BEFORE UPDATE OF wanted, done ON records FOR EACH ROW
    WHEN (NEW.wanted > NEW.done AND (OLD.wanted <= OLD.done OR NEW.done > OLD.done))
    EXECUTE FUNCTION note_due_since();
