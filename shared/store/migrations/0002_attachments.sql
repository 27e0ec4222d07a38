-- The copying of a bill's documents has rows of its own: it fails and is repeated without the bill's record.

CREATE TABLE attachments (
    tenant           text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    bill_id          text NOT NULL,
    wanted           bigint NOT NULL DEFAULT 1,
    done             bigint NOT NULL DEFAULT 0,
    dead             boolean NOT NULL DEFAULT false,
    attempts         integer NOT NULL DEFAULT 0,
    detail           text,
    next_attempt_at  timestamptz,
    dispatched_at    timestamptz,
    claim_token      uuid,
    claim_expires_at timestamptz,
    claimed_wanted   bigint,
    looked_at        timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, bill_id)
);
COMMENT ON TABLE attachments IS 'a bill whose documents are to be at its supplier invoice';
COMMENT ON COLUMN attachments.wanted IS 'how often a look was asked for; work is left while wanted > done';
COMMENT ON COLUMN attachments.looked_at IS 'the end of the last look that found everything copied';
CREATE INDEX attachments_due ON attachments (next_attempt_at) WHERE wanted > done AND NOT dead;

CREATE TABLE attached_documents (
    tenant         text NOT NULL,
    bill_id        text NOT NULL,
    visma_type     text NOT NULL,
    visma_number   text NOT NULL,
    document_id    text NOT NULL,
    name           text NOT NULL,
    sha256         bytea NOT NULL,
    sent_at        timestamptz,
    attachment_id  text,
    attached_at    timestamptz,
    PRIMARY KEY (tenant, bill_id, visma_type, visma_number, document_id),
    FOREIGN KEY (tenant, bill_id) REFERENCES attachments ON DELETE CASCADE
);
COMMENT ON TABLE attached_documents IS 'a document of a bill at one supplier invoice, by its content';
COMMENT ON COLUMN attached_documents.name IS 'its name in Visma';
COMMENT ON COLUMN attached_documents.sent_at IS 'when it was sent last; without attached_at the outcome is unknown';
