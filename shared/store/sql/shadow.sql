-- A tenant's rows as temporary tables under the names of the real ones: PostgreSQL looks there first, so every
-- other statement works on the copy. Only what the work on records writes is copied.

-- name: make_tables
CREATE TEMP TABLE shadow_records (LIKE records INCLUDING ALL);
CREATE TEMP TABLE shadow_visma_index (LIKE visma_index INCLUDING ALL);
CREATE TEMP TABLE shadow_watermarks (LIKE watermarks INCLUDING ALL);
CREATE TEMP TABLE shadow_attachments (LIKE attachments INCLUDING ALL);
CREATE TEMP TABLE shadow_dead_letters (LIKE dead_letters INCLUDING ALL);
CREATE TEMP TABLE shadow_history (LIKE history INCLUDING ALL);
CREATE TEMP TABLE plan_lines (
    kind    text NOT NULL,
    bill_id text NOT NULL,
    line    jsonb NOT NULL,
    PRIMARY KEY (kind, bill_id)
);

-- name: copy_records
INSERT INTO shadow_records SELECT * FROM records WHERE tenant = %(tenant)s;

-- name: copy_visma_index
INSERT INTO shadow_visma_index SELECT * FROM visma_index WHERE tenant = %(tenant)s;

-- name: copy_watermarks
INSERT INTO shadow_watermarks SELECT * FROM watermarks WHERE tenant = %(tenant)s;

-- name: copy_attachments
INSERT INTO shadow_attachments SELECT * FROM attachments WHERE tenant = %(tenant)s;

-- name: copy_dead_letters
INSERT INTO shadow_dead_letters OVERRIDING SYSTEM VALUE
SELECT * FROM dead_letters WHERE tenant = %(tenant)s AND state = 'open';

-- name: forget_workers
-- Nobody works on the copy: what is parked or claimed is judged now, in one order, and documents count as
-- copied unless a person is asked about them.
UPDATE shadow_records
SET claim_token = NULL, claim_expires_at = NULL, dispatched_at = NULL, next_attempt_at = NULL, attempts = 0,
    lost_claims = 0, urgency = 2
WHERE wanted > done;
UPDATE shadow_attachments SET done = wanted WHERE NOT dead;

-- name: take_names
-- From here on the copy is what every statement sees; the real tables can no longer be written.
ALTER TABLE shadow_records RENAME TO records;
ALTER TABLE shadow_visma_index RENAME TO visma_index;
ALTER TABLE shadow_watermarks RENAME TO watermarks;
ALTER TABLE shadow_attachments RENAME TO attachments;
ALTER TABLE shadow_dead_letters RENAME TO dead_letters;
ALTER TABLE shadow_history RENAME TO history;
ANALYZE pg_temp.records;
ANALYZE pg_temp.visma_index;
SET default_transaction_read_only = on;

-- name: take_poll
UPDATE pg_temp.watermarks
SET claim_token = gen_random_uuid(), claim_expires_at = now() + %(claim_s)s * interval '1 second'
WHERE source = %(source)s AND kind = %(kind)s
RETURNING tenant, source, kind, claim_token;

-- name: keep_claim
-- Nobody else works on the copy: a claim lasts, however long the other systems let us wait.
UPDATE pg_temp.records SET claim_expires_at = now() + interval '1 day'
WHERE kind = %(kind)s AND bill_id = %(bill_id)s;

-- name: put_line
INSERT INTO pg_temp.plan_lines (kind, bill_id, line) VALUES (%(kind)s, %(bill_id)s, %(line)s)
ON CONFLICT (kind, bill_id) DO UPDATE SET line = EXCLUDED.line;

-- name: find_line
SELECT line FROM pg_temp.plan_lines WHERE kind = %(kind)s AND bill_id = %(bill_id)s;

-- name: lines
-- Every record as it would stand, with what would be written for it.
SELECT r.kind, r.bill_id, r.label, r.state, r.reason, r.detail, r.visma_number, p.line
FROM pg_temp.records r LEFT JOIN pg_temp.plan_lines p USING (kind, bill_id)
ORDER BY r.kind DESC, r.bill_id;

-- name: suppliers
-- The vendors of these suppliers that are in order.
SELECT r.* FROM pg_temp.records r
WHERE r.kind = 'vendor' AND r.state = 'synced' AND r.visma_number = ANY(%(numbers)s);
