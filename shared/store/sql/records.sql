-- Who locks several records at once locks them in one order, vendors before bills and by id, or leaves
-- out what another has locked: so no two of us ever wait for each other.

-- name: make_due
-- Something was heard of a record. `news` decides whether that is work; an older version never is, and
-- content without a time is read anew. Content older than the last event is kept, but still stale. A whole
-- record after a nearly whole one is news even where it says the same: only that proves what is not in it.
-- A dead record `stays` so while its letter is open, and afterwards until BILL has another version.
INSERT INTO records AS r (tenant, kind, bill_id, bill_updated_at, content, content_at, content_digest,
                          content_whole, stale, urgency, label, vendor_id)
VALUES (%(tenant)s, %(kind)s, %(bill_id)s, %(updated_at)s, %(content)s,
        CASE WHEN %(content)s::bytea IS NULL THEN NULL ELSE %(updated_at)s::timestamptz END, %(digest)s,
        %(whole)s, %(content)s::bytea IS NULL, %(urgency)s, %(label)s, %(vendor_id)s)
ON CONFLICT (tenant, kind, bill_id) DO UPDATE SET
    (bill_updated_at, content, content_at, content_digest, content_whole, stale, label, vendor_id,
     wanted, urgency, state, attempts, next_attempt_at, dispatched_at, changed_at) = (
    SELECT GREATEST(r.bill_updated_at, EXCLUDED.bill_updated_at),
           CASE WHEN takes THEN EXCLUDED.content ELSE r.content END,
           CASE WHEN takes THEN EXCLUDED.content_at ELSE r.content_at END,
           CASE WHEN takes THEN EXCLUDED.content_digest ELSE r.content_digest END,
           CASE WHEN takes THEN EXCLUDED.content_whole ELSE r.content_whole END,
           CASE WHEN takes THEN COALESCE(EXCLUDED.content_at < r.bill_updated_at, false)
                WHEN news AND NOT %(again)s THEN true ELSE r.stale END,
           COALESCE(EXCLUDED.label, r.label), COALESCE(EXCLUDED.vendor_id, r.vendor_id),
           r.wanted + news::int,
           CASE WHEN news THEN LEAST(EXCLUDED.urgency, CASE WHEN r.wanted > r.done THEN r.urgency END)
                ELSE r.urgency END,
           CASE WHEN news AND NOT stays THEN 'pending' ELSE r.state END,
           CASE WHEN news AND NOT stays AND (r.intention IS NULL OR r.state IN ('held', 'dead'))
                THEN 0 ELSE r.attempts END,
           CASE WHEN news AND r.intention IS NULL THEN NULL ELSE r.next_attempt_at END,
           CASE WHEN news THEN NULL ELSE r.dispatched_at END,
           CASE WHEN news THEN now() ELSE r.changed_at END
    FROM (SELECT takes, stays,
                 %(forced)s OR CASE
                     WHEN EXCLUDED.content IS NULL
                         THEN EXCLUDED.bill_updated_at IS NULL OR r.synced_version IS NULL
                              OR EXCLUDED.bill_updated_at >= r.synced_version
                     WHEN EXCLUDED.content_digest = r.content_digest
                         THEN r.stale OR (takes AND EXCLUDED.content_whole AND NOT r.content_whole)
                     ELSE COALESCE(takes OR EXCLUDED.content_at = r.content_at, true) END AS news
          FROM (SELECT EXCLUDED.content IS NOT NULL AND (
                           r.content_at IS NULL OR EXCLUDED.content_at > r.content_at
                           OR (EXCLUDED.content_at = r.content_at AND EXCLUDED.content_whole)) AS takes,
                       r.state = 'dead' AND NOT %(forced)s AND (
                           NOT COALESCE(EXCLUDED.bill_updated_at > r.bill_updated_at
                                            OR (EXCLUDED.content_whole AND r.content_whole
                                                AND EXCLUDED.content_digest <> r.content_digest), true)
                           OR r.letter IS NOT NULL) AS stays) AS heard) AS judged)
RETURNING kind, bill_id, urgency, wanted > done AND state <> 'dead' AND dispatched_at IS NULL
          AND (next_attempt_at IS NULL OR next_attempt_at <= now())
          AND (claim_expires_at IS NULL OR claim_expires_at < now()) AS is_due;

-- name: find_settled
-- What is known whole of these records, nothing newer heard, no work left: for the same content of the
-- same time `make_due` would change nothing.
SELECT kind, bill_id, content_digest, content_at FROM records
WHERE tenant = %(tenant)s AND kind = ANY(%(kinds)s) AND bill_id = ANY(%(bill_ids)s)
  AND content_whole AND NOT stale AND bill_updated_at <= content_at AND wanted = done;

-- name: claim
-- The one way into a record: whoever gets the row back works on it until the claim runs out. Every end
-- of work takes the claim back; a token that still stands is of a worker that ended without one.
UPDATE records
SET claim_token = gen_random_uuid(), claim_expires_at = now() + %(claim_s)s * interval '1 second',
    claimed_wanted = wanted, attempts = attempts + 1,
    lost_claims = lost_claims + (claim_token IS NOT NULL)::int
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s
  AND wanted > done AND state <> 'dead'
  AND (claim_expires_at IS NULL OR claim_expires_at < now())
  AND (next_attempt_at IS NULL OR next_attempt_at <= now())
RETURNING *;

-- name: extend
-- Before every write to Visma: past that call's deadline, and with what is about to be sent. A document that
-- was found for a create without an answer becomes the row's own with it: the create's intention, which alone
-- told of the document, is replaced.
UPDATE records
SET claim_expires_at = now() + %(claim_s)s * interval '1 second', intention = %(intention)s,
    visma_type = COALESCE(%(visma_type)s, visma_type), visma_number = COALESCE(%(visma_number)s, visma_number),
    visma_etag = CASE WHEN %(visma_number)s::text IS NULL
                           OR (visma_type, visma_number) = (%(visma_type)s, %(visma_number)s)
                      THEN visma_etag ELSE %(visma_etag)s END,
    body = CASE WHEN %(visma_number)s::text IS NULL
                     OR (visma_type, visma_number) = (%(visma_type)s, %(visma_number)s)
                THEN body ELSE %(body)s END
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s
  AND claim_token = %(token)s AND claim_expires_at > now();

-- name: keep_content
-- What BILL just answered; still stale when something newer was heard meanwhile.
UPDATE records
SET content = %(content)s, content_at = %(updated_at)s, content_digest = %(digest)s, content_whole = true,
    label = %(label)s, vendor_id = COALESCE(%(vendor_id)s, vendor_id),
    bill_updated_at = GREATEST(bill_updated_at, %(updated_at)s), stale = wanted > claimed_wanted
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND claim_token = %(token)s;

-- name: finish
UPDATE records
SET done = claimed_wanted, state = %(state)s, reason = %(reason)s, detail = %(detail)s,
    visma_type = %(visma_type)s, visma_number = %(visma_number)s, visma_etag = %(visma_etag)s,
    body = %(body)s, synced_version = GREATEST(synced_version, %(version)s),
    synced_at = CASE WHEN %(state)s = 'synced' THEN now() ELSE synced_at END,
    held_at = CASE WHEN %(state)s = 'held' THEN COALESCE(held_at, now()) END,
    intention = CASE WHEN %(unanswered)s THEN intention END,
    attempts = 0, lost_claims = 0, next_attempt_at = NULL, dispatched_at = NULL,
    claim_token = NULL, claim_expires_at = NULL, judged_at = now(), changed_at = now()
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND claim_token = %(token)s
RETURNING wanted > done AS still_due;

-- name: park
-- Give the row back for later; an uncounted try leaves no trace: it may never have come to where the
-- record kills its worker. Whoever dispatches it
-- again at once says so, and `take_due` leaves it alone meanwhile.
UPDATE records
SET next_attempt_at = now() + %(delay_s)s * interval '1 second', reason = %(reason)s, detail = %(detail)s,
    attempts = attempts - %(uncounted)s::int,
    lost_claims = CASE WHEN %(uncounted)s THEN lost_claims ELSE 0 END,
    dispatched_at = CASE WHEN %(dispatched)s THEN now() END,
    intention = CASE WHEN %(sure)s THEN NULL ELSE intention END,
    claim_token = NULL, claim_expires_at = NULL
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND claim_token = %(token)s;

-- name: bury
UPDATE records
SET state = 'dead', done = claimed_wanted, reason = NULL, detail = %(detail)s, next_attempt_at = NULL,
    held_at = NULL, lost_claims = 0,
    intention = CASE WHEN %(nothing_ran)s THEN NULL ELSE intention END,
    claim_token = NULL, claim_expires_at = NULL, judged_at = now(), changed_at = now()
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND claim_token = %(token)s
RETURNING attempts;

-- name: get
SELECT * FROM records WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s;

-- name: get_locked
-- Taken by a bill that must wait for its vendor, so that the vendor cannot finish unseen.
SELECT * FROM records WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s FOR SHARE;

-- name: free_bills
-- A vendor was settled: what waited for it is due again.
WITH locked AS (
    SELECT kind, bill_id FROM records
    WHERE tenant = %(tenant)s AND kind = 'bill' AND vendor_id = %(vendor_id)s
      AND ((intention IS NULL AND wanted > done AND reason = 'vendor_first' AND state = 'pending')
           OR (%(synced)s AND state = 'held' AND reason IN ('vendor_held', 'foreign_vat', 'currency_mismatch')))
    ORDER BY kind DESC, bill_id COLLATE "C" FOR UPDATE
)
UPDATE records r
SET wanted = CASE WHEN r.wanted > r.done THEN r.wanted ELSE r.wanted + 1 END,
    state = 'pending', next_attempt_at = NULL, dispatched_at = NULL, changed_at = now()
FROM locked WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (locked.kind, locked.bill_id)
RETURNING r.kind, r.bill_id, r.urgency;

-- name: move_bills
-- A vendor is linked to another supplier now: its documents in Visma belong there too.
WITH locked AS (
    SELECT kind, bill_id FROM records
    WHERE tenant = %(tenant)s AND kind = 'bill' AND vendor_id = %(vendor_id)s AND visma_number IS NOT NULL
      AND (intention IS NULL OR state = 'held') AND state <> 'dead'
    ORDER BY kind DESC, bill_id COLLATE "C" FOR UPDATE
)
UPDATE records r
SET wanted = r.wanted + 1, state = 'pending', next_attempt_at = NULL, dispatched_at = NULL, changed_at = now()
FROM locked WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (locked.kind, locked.bill_id)
RETURNING r.kind, r.bill_id, r.urgency;

-- name: wake
-- What a parked row waited for is there.
WITH locked AS (
    SELECT kind, bill_id FROM records
    WHERE tenant = %(tenant)s AND reason = %(reason)s AND state = 'pending' AND wanted > done
    ORDER BY kind DESC, bill_id COLLATE "C" FOR UPDATE
)
UPDATE records r
SET next_attempt_at = NULL, dispatched_at = NULL
FROM locked WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (locked.kind, locked.bill_id)
RETURNING r.kind, r.bill_id, r.urgency;

-- name: wake_all
-- Work goes on for a tenant: what was parked or sent to workers meanwhile is due now.
WITH locked AS (
    SELECT kind, bill_id FROM records
    WHERE tenant = %(tenant)s AND wanted > done AND state <> 'dead'
    ORDER BY kind DESC, bill_id COLLATE "C" FOR UPDATE
)
UPDATE records r
SET next_attempt_at = NULL, dispatched_at = NULL
FROM locked WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (locked.kind, locked.bill_id);

-- name: take_due
-- A tenant's next records, marked as dispatched: webhooks first and the newest of them, the rest oldest
-- first, vendors before bills; never so many that one tenant's work fills the queues. What became due at
-- the same moment, as the bills of a vendor do, goes in BILL's order.
WITH room AS (
    SELECT GREATEST(%(most)s - count(*), 0) AS free FROM records
    WHERE tenant = %(tenant)s AND wanted > done AND state <> 'dead'
      AND dispatched_at > now() - %(again_s)s * interval '1 second'
      AND (next_attempt_at IS NULL OR next_attempt_at <= now())
), newest AS (
    SELECT kind, bill_id, 0 AS place, -EXTRACT(epoch FROM changed_at) AS age, bill_updated_at FROM records
    WHERE tenant = %(tenant)s AND wanted > done AND state <> 'dead' AND urgency = 0
      AND (next_attempt_at IS NULL OR next_attempt_at <= now())
      AND (claim_expires_at IS NULL OR claim_expires_at < now())
      AND (dispatched_at IS NULL OR dispatched_at < now() - %(again_s)s * interval '1 second')
    ORDER BY kind DESC, changed_at DESC, bill_updated_at, bill_id LIMIT (SELECT free FROM room)
    FOR UPDATE SKIP LOCKED
), oldest AS (
    SELECT kind, bill_id, urgency AS place, EXTRACT(epoch FROM changed_at) AS age, bill_updated_at FROM records
    WHERE tenant = %(tenant)s AND wanted > done AND state <> 'dead' AND urgency > 0
      AND (next_attempt_at IS NULL OR next_attempt_at <= now())
      AND (claim_expires_at IS NULL OR claim_expires_at < now())
      AND (dispatched_at IS NULL OR dispatched_at < now() - %(again_s)s * interval '1 second')
    ORDER BY urgency, kind DESC, changed_at, bill_updated_at, bill_id LIMIT (SELECT free FROM room)
    FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT kind, bill_id,
           row_number() OVER (ORDER BY place, kind DESC, age, bill_updated_at, bill_id) AS turn
    FROM (SELECT * FROM newest UNION ALL SELECT * FROM oldest) AS both_ends
    ORDER BY turn LIMIT (SELECT free FROM room)
)
UPDATE records r SET dispatched_at = now() FROM chosen c
WHERE r.tenant = %(tenant)s AND r.kind = c.kind AND r.bill_id = c.bill_id
  AND (r.dispatched_at IS NULL OR r.dispatched_at < now() - %(again_s)s * interval '1 second')
RETURNING r.kind, r.bill_id, r.urgency, c.turn;

-- name: tenants_with_work
-- Active tenants that have something due, for a tick to go round.
SELECT id FROM tenants t
WHERE NOT paused AND suspended IS NULL
  AND EXISTS (SELECT 1 FROM records r WHERE r.tenant = t.id AND r.wanted > r.done AND r.state <> 'dead')
ORDER BY random();

-- name: undispatch
-- Its task came at the wrong moment; the next one is not to wait for that one's time.
UPDATE records SET dispatched_at = NULL
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s;

-- name: rejudge
-- Held records, since their cause may be gone; with new settings also those that wait or are ignored.
WITH locked AS (
    SELECT kind, bill_id FROM records
    WHERE tenant = %(tenant)s AND state = ANY(%(states)s) AND wanted = done
      AND judged_at < now() - %(older_s)s * interval '1 second'
      AND (%(reasons)s::text[] IS NULL OR reason = ANY(%(reasons)s))
    FOR UPDATE SKIP LOCKED
)
UPDATE records r
SET wanted = r.wanted + 1, state = 'pending', urgency = 1, next_attempt_at = NULL, dispatched_at = NULL
FROM locked WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (locked.kind, locked.bill_id)
RETURNING r.kind, r.bill_id, r.urgency;

-- name: revive
-- With new settings also what is dead is tried once more, but for what a person has discarded.
WITH locked AS (
    SELECT kind, bill_id FROM records
    WHERE tenant = %(tenant)s AND state = 'dead' AND letter IS NOT NULL
    ORDER BY kind DESC, bill_id COLLATE "C" FOR UPDATE
)
UPDATE records r
SET wanted = r.wanted + 1, state = 'pending', urgency = 1, attempts = 0, next_attempt_at = NULL,
    dispatched_at = NULL
FROM locked WHERE r.tenant = %(tenant)s AND (r.kind, r.bill_id) = (locked.kind, locked.bill_id)
RETURNING r.kind, r.bill_id, r.urgency;

-- name: revive_changed
-- The letter that a dead record waited behind was discarded: what BILL changed since it died goes on.
UPDATE records
SET state = 'pending', attempts = 0, next_attempt_at = NULL, dispatched_at = NULL, changed_at = now()
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND state = 'dead'
  AND wanted > done AND COALESCE(bill_updated_at > %(version)s, true)
RETURNING kind, bill_id, urgency;

-- name: lock
-- Records before dead letters, always: two of us never lock crosswise.
SELECT FROM records WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s FOR UPDATE;

-- name: list
SELECT * FROM records
WHERE tenant = %(tenant)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY kind DESC, changed_at, bill_id;

-- name: count
SELECT tenant, kind, state, count(*) AS count FROM records
WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s) GROUP BY tenant, kind, state;

-- name: lag
-- Seconds the oldest due record has been waiting, by tenant and kind.
SELECT tenant, kind, EXTRACT(epoch FROM now() - min(due_since))::float8 AS lag_s
FROM records WHERE wanted > done AND state <> 'dead' GROUP BY tenant, kind;

-- name: linked_vendors
-- What a person said comes last, and counts also before it is carried out.
SELECT visma_number, bill_id FROM records
WHERE tenant = %(tenant)s AND kind = 'vendor' AND visma_number = ANY(%(numbers)s)
UNION ALL
SELECT supplier_number, vendor_id FROM links
WHERE tenant = %(tenant)s AND supplier_number = ANY(%(numbers)s);

-- name: notify
SELECT pg_notify('connector_records', %(tenant)s);

-- name: exists
SELECT EXISTS (SELECT 1 FROM records
               WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s) AS found;

-- name: has_bills
-- Whether any bill that is not ignored asks for this vendor.
SELECT EXISTS (SELECT 1 FROM records
               WHERE tenant = %(tenant)s AND kind = 'bill' AND vendor_id = %(vendor_id)s
                 AND state <> 'ignored') AS found;

-- name: unlink
-- Its document is gone from Visma; the row goes on without one.
UPDATE records SET visma_type = NULL, visma_number = NULL, visma_etag = NULL, body = NULL, intention = NULL
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND claim_token = %(token)s;

-- name: waiting
SELECT bill_id FROM records
WHERE tenant = %(tenant)s AND kind = 'bill' AND state = 'waiting' AND wanted = done ORDER BY bill_id;

-- name: find_unlike
-- Synced bills whose document the index shows otherwise than we wrote it, or beside a second live one,
-- of those that were seen lately: the document itself, or the other.
SELECT r.bill_id FROM records r
JOIN visma_index i ON i.tenant = r.tenant AND i.kind = 'supplier_invoice'
     AND i.visma_type = r.visma_type AND i.number = r.visma_number
WHERE r.tenant = %(tenant)s AND r.kind = 'bill' AND r.state = 'synced' AND r.wanted = r.done
  AND i.seen_at >= %(since)s AND i.etag = r.visma_etag
  AND (i.total <> (r.body ->> 'total')::numeric OR i.currency <> r.body ->> 'currency')
UNION
SELECT r.bill_id FROM visma_index o
JOIN records r ON r.tenant = o.tenant AND r.kind = 'bill' AND r.bill_id = o.bill_id
WHERE o.tenant = %(tenant)s AND o.kind = 'supplier_invoice' AND o.seen_at >= %(since)s
  AND o.status <> 'Voided' AND (o.visma_type, o.number) <> (r.visma_type, r.visma_number)
  AND r.state = 'synced' AND r.wanted = r.done;

-- name: find_releasable
-- Synced bills whose document we made and nobody has released yet.
SELECT r.bill_id FROM records r
JOIN visma_index i ON i.tenant = r.tenant AND i.kind = 'supplier_invoice'
     AND i.visma_type = r.visma_type AND i.number = r.visma_number
WHERE r.tenant = %(tenant)s AND r.kind = 'bill' AND r.state = 'synced' AND r.wanted = r.done
  AND i.status IN ('Hold', 'Balanced') AND r.body ->> 'origin' = 'created'
  AND COALESCE((r.body ->> 'withheld')::boolean, false) = false;

-- name: follow_etag
-- A write of ours beside the record (a file attached) moved the document's ETag; nobody edited it.
UPDATE records SET visma_etag = %(new)s
WHERE tenant = %(tenant)s AND kind = 'bill' AND bill_id = %(bill_id)s AND visma_type = %(visma_type)s
  AND visma_number = %(visma_number)s AND visma_etag = %(old)s;
