-- name: want
-- A bill's documents are to be looked at; a dead row waits for the person its open letter is for.
INSERT INTO attachments AS a (tenant, bill_id) VALUES (%(tenant)s, %(bill_id)s)
ON CONFLICT (tenant, bill_id) DO UPDATE SET
    wanted = a.wanted + 1, next_attempt_at = NULL, dispatched_at = NULL, attempts = 0,
    dead = a.dead AND NOT %(forced)s AND EXISTS (
        SELECT 1 FROM dead_letters d
        WHERE d.tenant = a.tenant AND d.bill_id = a.bill_id AND d.task = %(task)s AND d.state = 'open');

-- name: want_unreleased
-- The sweep: every bill whose invoice Visma last showed unreleased is looked at again, once.
INSERT INTO attachments AS a (tenant, bill_id)
SELECT r.tenant, r.bill_id
FROM records r JOIN visma_index v ON v.tenant = r.tenant AND v.kind = 'supplier_invoice'
     AND v.visma_type = r.visma_type AND v.number = r.visma_number
WHERE r.tenant = %(tenant)s AND r.kind = 'bill' AND v.status = ANY(%(statuses)s)
ORDER BY r.bill_id
ON CONFLICT (tenant, bill_id) DO UPDATE SET wanted = a.wanted + 1, dispatched_at = NULL
WHERE a.wanted = a.done AND NOT a.dead;

-- name: take_due
-- What is due, marked as dispatched: tenants in turns, so many of each and so many at all on their way.
WITH busy AS (
    SELECT tenant, count(*) AS count FROM attachments
    WHERE wanted > done AND NOT dead AND dispatched_at >= now() - %(again_s)s * interval '1 second'
    GROUP BY tenant
), due AS (
    SELECT a.tenant, a.bill_id, COALESCE(b.count, 0)
           + row_number() OVER (PARTITION BY a.tenant ORDER BY a.created_at, a.bill_id) AS turn
    FROM attachments a LEFT JOIN busy b USING (tenant)
    WHERE a.wanted > a.done AND NOT a.dead
      AND (a.next_attempt_at IS NULL OR a.next_attempt_at <= now())
      AND (a.claim_expires_at IS NULL OR a.claim_expires_at < now())
      AND (a.dispatched_at IS NULL OR a.dispatched_at < now() - %(again_s)s * interval '1 second')
      AND a.tenant IN (SELECT id FROM tenants WHERE NOT paused AND suspended IS NULL)
), chosen AS (
    SELECT tenant, bill_id FROM due WHERE turn <= %(most_of_tenant)s ORDER BY turn, tenant
    LIMIT GREATEST(0, %(most)s - (SELECT COALESCE(sum(count), 0) FROM busy))::bigint
)
UPDATE attachments a SET dispatched_at = now() FROM chosen c
WHERE a.tenant = c.tenant AND a.bill_id = c.bill_id
  AND (a.dispatched_at IS NULL OR a.dispatched_at < now() - %(again_s)s * interval '1 second')
RETURNING a.tenant, a.bill_id;

-- name: rest
-- Nobody works on the row, and its message is gone: not again before a while.
UPDATE attachments
SET next_attempt_at = now() + %(delay_s)s * interval '1 second', dispatched_at = NULL
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND wanted > done
  AND (claim_expires_at IS NULL OR claim_expires_at < now())
  AND (next_attempt_at IS NULL OR next_attempt_at <= now());

-- name: claim
-- Whoever gets the row back works on it until the claim runs out; with the invoice as our record has it.
UPDATE attachments a
SET claim_token = gen_random_uuid(), claim_expires_at = now() + %(claim_s)s * interval '1 second',
    claimed_wanted = a.wanted, attempts = a.attempts + 1,
    lost_claims = a.lost_claims + (a.claim_token IS NOT NULL)::int
FROM records r
WHERE a.tenant = %(tenant)s AND a.bill_id = %(bill_id)s
  AND a.wanted > a.done AND NOT a.dead
  AND (a.claim_expires_at IS NULL OR a.claim_expires_at < now())
  AND (a.next_attempt_at IS NULL OR a.next_attempt_at <= now())
  AND r.tenant = a.tenant AND r.kind = 'bill' AND r.bill_id = a.bill_id
RETURNING a.tenant, a.bill_id, a.claim_token, a.attempts, a.lost_claims, a.looked_at, r.visma_type,
          r.visma_number;

-- name: extend
UPDATE attachments SET claim_expires_at = now() + %(claim_s)s * interval '1 second'
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND claim_token = %(token)s AND claim_expires_at > now();

-- name: put_document
INSERT INTO attached_documents (tenant, bill_id, visma_type, visma_number, document_id, name, sha256, sent_at,
                                attachment_id, attached_at)
VALUES (%(tenant)s, %(bill_id)s, %(visma_type)s, %(visma_number)s, %(document_id)s, %(name)s, %(sha256)s,
        %(sent_at)s, %(attachment_id)s, CASE WHEN %(attached)s THEN now() END)
ON CONFLICT (tenant, bill_id, visma_type, visma_number, document_id) DO UPDATE SET
    name = EXCLUDED.name, sha256 = EXCLUDED.sha256, attachment_id = EXCLUDED.attachment_id,
    sent_at = COALESCE(EXCLUDED.sent_at, attached_documents.sent_at), attached_at = EXCLUDED.attached_at;

-- name: retract
-- What was announced was surely not done.
UPDATE attached_documents SET sent_at = NULL
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND visma_type = %(visma_type)s
  AND visma_number = %(visma_number)s AND document_id = %(document_id)s AND attached_at IS NULL;

-- name: documents
SELECT document_id, name, sha256, sent_at, attachment_id, attached_at FROM attached_documents
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND visma_type = %(visma_type)s
  AND visma_number = %(visma_number)s
ORDER BY document_id;

-- name: finish
UPDATE attachments
SET done = claimed_wanted, attempts = 0, lost_claims = 0, detail = %(detail)s, next_attempt_at = NULL,
    dispatched_at = NULL, claim_token = NULL, claim_expires_at = NULL, looked_at = now()
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND claim_token = %(token)s;

-- name: wake_bill
-- The bill's record goes on where it waited for this.
UPDATE records SET next_attempt_at = NULL, dispatched_at = NULL
WHERE tenant = %(tenant)s AND kind = 'bill' AND bill_id = %(bill_id)s AND reason = %(reason)s
  AND state = 'pending' AND wanted > done;

-- name: park
UPDATE attachments
SET next_attempt_at = now() + %(delay_s)s * interval '1 second', detail = %(detail)s, dispatched_at = NULL,
    attempts = attempts - %(uncounted)s::int,
    lost_claims = CASE WHEN %(uncounted)s THEN lost_claims ELSE 0 END,
    claim_token = NULL, claim_expires_at = NULL
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND claim_token = %(token)s;

-- name: bury
UPDATE attachments
SET done = claimed_wanted, dead = true, lost_claims = 0, detail = %(detail)s, next_attempt_at = NULL,
    dispatched_at = NULL, claim_token = NULL, claim_expires_at = NULL
WHERE tenant = %(tenant)s AND bill_id = %(bill_id)s AND claim_token = %(token)s
RETURNING attempts;

-- name: all_copied
-- Nothing is left to copy, and no person is still asked about what could not be copied.
SELECT NOT EXISTS (
    SELECT 1 FROM attachments a
    WHERE a.tenant = %(tenant)s AND a.bill_id = %(bill_id)s
      AND (a.wanted > a.done OR (a.dead AND EXISTS (
          SELECT 1 FROM dead_letters d
          WHERE d.tenant = a.tenant AND d.bill_id = a.bill_id AND d.task = %(task)s AND d.state = 'open')))
) AS all_copied;
