-- One row per BILL record says what BILL has, what Visma has, and why they differ.

CREATE TABLE tenants (
    id             text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,40}$'),
    config         jsonb NOT NULL,
    paused         boolean NOT NULL DEFAULT false,
    suspended      text,
    applied_at     timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN tenants.suspended IS 'why work stopped by itself (refused credentials); null while it runs';

CREATE TABLE secrets (
    tenant         text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind           text NOT NULL CHECK (kind IN ('bill', 'visma', 'webhook_key')),
    key_id         text NOT NULL,
    sealed         bytea NOT NULL,
    changed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, kind)
);

CREATE TABLE events (
    tenant         text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    event_id       text NOT NULL,
    event_type     text NOT NULL,
    kind           text NOT NULL,
    bill_id        text NOT NULL,
    body           bytea NOT NULL,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant, event_id)
);
CREATE INDEX events_received_at ON events (received_at);

CREATE TABLE records (
    tenant           text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind             text NOT NULL CHECK (kind IN ('vendor', 'bill')),
    bill_id          text NOT NULL,
    state            text NOT NULL DEFAULT 'pending'
                     CHECK (state IN ('pending', 'synced', 'waiting', 'held', 'dead', 'ignored')),
    reason           text,
    detail           text,
    label            text,
    vendor_id        text,
    bill_updated_at  timestamptz,
    synced_version   timestamptz,
    content          bytea,
    content_at       timestamptz,
    content_digest   bytea,
    content_whole    boolean NOT NULL DEFAULT false,
    stale            boolean NOT NULL DEFAULT true,
    urgency          smallint NOT NULL DEFAULT 0,
    wanted           bigint NOT NULL DEFAULT 1,
    done             bigint NOT NULL DEFAULT 0,
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz,
    dispatched_at    timestamptz,
    judged_at        timestamptz,
    claim_token      uuid,
    claim_expires_at timestamptz,
    claimed_wanted   bigint,
    intention        jsonb,
    visma_type       text,
    visma_number     text,
    visma_etag       text,
    body             jsonb,
    synced_at        timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    changed_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, kind, bill_id)
);
COMMENT ON COLUMN records.wanted IS 'how often the row was made due; work is left while wanted > done';
COMMENT ON COLUMN records.stale IS 'the content kept here is not BILL''s newest: read BILL again';
COMMENT ON COLUMN records.body IS 'the fields we last wrote to Visma, flat';
COMMENT ON COLUMN records.intention IS 'a create that was sent and not yet known to have happened or not';

-- A supplier belongs to one vendor, a supplier invoice to one bill: the database says so too.
CREATE UNIQUE INDEX records_visma_number ON records (tenant, kind, visma_type, visma_number)
    WHERE visma_number IS NOT NULL;
-- What is due, as the dispatcher takes it: the newest webhooks, the oldest of the rest.
CREATE INDEX records_due_newest ON records (tenant, kind DESC, changed_at DESC)
    WHERE wanted > done AND state <> 'dead' AND urgency = 0;
CREATE INDEX records_due_oldest ON records (tenant, urgency, kind DESC, changed_at)
    WHERE wanted > done AND state <> 'dead' AND urgency > 0;
CREATE INDEX records_by_vendor ON records (tenant, vendor_id) WHERE kind = 'bill';
CREATE INDEX records_by_state ON records (tenant, kind, state);

CREATE TABLE visma_index (
    tenant          text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind            text NOT NULL CHECK (kind IN ('supplier', 'supplier_invoice')),
    visma_type      text NOT NULL,
    number          text NOT NULL,
    supplier_number text,
    name            text,
    name_key        text,
    number_keys     text[] NOT NULL DEFAULT '{}',
    bill_id         text,
    reference_key   text,
    status          text NOT NULL,
    currency        text,
    total           numeric,
    document_date   date,
    etag            text NOT NULL,
    last_modified   text,
    details         jsonb NOT NULL DEFAULT '{}',
    seen_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, kind, visma_type, number)
);
COMMENT ON COLUMN visma_index.bill_id IS 'our marker as Visma shows it: the vendor or bill this document is for';
CREATE INDEX visma_index_bill_id ON visma_index (tenant, kind, bill_id) WHERE bill_id IS NOT NULL;
CREATE INDEX visma_index_name ON visma_index (tenant, name_key) WHERE kind = 'supplier';
CREATE INDEX visma_index_numbers ON visma_index USING gin (number_keys) WHERE kind = 'supplier';
CREATE INDEX visma_index_reference ON visma_index (tenant, supplier_number, reference_key)
    WHERE kind = 'supplier_invoice';

CREATE TABLE history (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant         text NOT NULL,
    kind           text NOT NULL,
    bill_id        text NOT NULL,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor          text NOT NULL,
    action         text NOT NULL,
    reason         text,
    detail         text,
    changes        jsonb NOT NULL DEFAULT '[]',
    visma_type     text,
    visma_number   text,
    task_id        text
);
CREATE INDEX history_record ON history (tenant, kind, bill_id, id);

CREATE FUNCTION refuse_history_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only';
END $$;
CREATE TRIGGER history_is_append_only BEFORE UPDATE ON history
    FOR EACH ROW EXECUTE FUNCTION refuse_history_update();

CREATE TABLE watermarks (
    tenant            text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    source            text NOT NULL CHECK (source IN ('bill', 'waiting', 'sweep', 'visma', 'events')),
    kind              text NOT NULL
                      CHECK (kind IN ('vendor', 'bill', 'supplier', 'supplier_invoice', 'event')),
    position          text,
    next_poll_at      timestamptz NOT NULL DEFAULT now(),
    claim_token       uuid,
    claim_expires_at  timestamptz,
    first_complete_at timestamptz,
    last_complete_at  timestamptz,
    last_error        text,
    PRIMARY KEY (tenant, source, kind)
);
COMMENT ON COLUMN watermarks.position IS 'newest value seen in the answers of a whole walk, as the server wrote it; '
    'for events the time up to which BILL''s log was compared';

-- A person said which supplier a vendor is; each supplier is one vendor's.
CREATE TABLE links (
    tenant          text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    vendor_id       text NOT NULL,
    supplier_number text NOT NULL,
    made_by         text NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, vendor_id),
    UNIQUE (tenant, supplier_number)
);

CREATE TABLE dead_letters (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id        text UNIQUE,
    tenant         text,
    kind           text,
    bill_id        text,
    task           text NOT NULL,
    args           jsonb NOT NULL DEFAULT '[]',
    error_class    text NOT NULL,
    error          text NOT NULL,
    traceback      text,
    raw            bytea,
    attempts       integer NOT NULL DEFAULT 0,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded', 'closed')),
    failed_at      timestamptz NOT NULL DEFAULT now(),
    settled_at     timestamptz,
    settled_by     text,
    why            text
);
CREATE INDEX dead_letters_open ON dead_letters (tenant, kind, bill_id) WHERE state = 'open';
