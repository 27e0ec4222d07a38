-- name: take_due
-- Tenants with unsealed history to whom no sealer was sent lately; each is given to one tick only.
INSERT INTO history_heads AS head (tenant, asked_at)
SELECT t.id, now() FROM tenants t LEFT JOIN history_heads h ON h.tenant = t.id
WHERE (h.asked_at IS NULL OR h.asked_at < now() - make_interval(secs => %(every_s)s))
  AND EXISTS (SELECT FROM history_unsealed u WHERE u.tenant = t.id)
ORDER BY t.id
ON CONFLICT (tenant) DO UPDATE SET asked_at = now()
WHERE head.asked_at IS NULL OR head.asked_at < now() - make_interval(secs => %(every_s)s)
RETURNING tenant;

-- name: try_lock
SELECT pg_try_advisory_xact_lock(hashtextextended('audit ' || %(tenant)s, 0)) AS locked;

-- name: lock
SELECT pg_advisory_xact_lock(hashtextextended('audit ' || %(tenant)s, 0));

-- name: get_head
SELECT h.seq, h.mac, h.proof, h.sealed_at FROM history_heads h WHERE h.tenant = %(tenant)s;

-- name: has_chain
SELECT EXISTS (SELECT FROM history_seals WHERE tenant = %(tenant)s)
    OR EXISTS (SELECT FROM history_anchors WHERE tenant = %(tenant)s)
    OR EXISTS (SELECT FROM history_heads WHERE tenant = %(tenant)s AND seq > 0) AS found;

-- name: take_unsealed
DELETE FROM history_unsealed WHERE history_id IN (
    SELECT history_id FROM history_unsealed WHERE tenant = %(tenant)s ORDER BY history_id LIMIT %(most)s)
RETURNING history_id;

-- name: get_rows
-- A row that is gone before it was sealed comes as nulls. Joined by id alone, here and below: with the tenant
-- beside it, a planner that thinks the tenant small reads all of its rows for each one.
SELECT wanted.history_id, h.* FROM unnest(%(ids)s::bigint[]) AS wanted (history_id)
LEFT JOIN history h ON h.id = wanted.history_id
ORDER BY wanted.history_id;

-- name: add_seals
INSERT INTO history_seals (tenant, seq, history_id, before, mac)
SELECT %(tenant)s, one.seq, one.history_id, one.before, one.mac
FROM unnest(%(seqs)s::bigint[], %(ids)s::bigint[], %(befores)s::bytea[], %(macs)s::bytea[])
    AS one (seq, history_id, before, mac);

-- name: put_head
INSERT INTO history_heads (tenant, seq, mac, proof, sealed_at)
VALUES (%(tenant)s, %(seq)s, %(mac)s, %(proof)s, now())
ON CONFLICT (tenant) DO UPDATE
SET seq = EXCLUDED.seq, mac = EXCLUDED.mac, proof = EXCLUDED.proof, sealed_at = EXCLUDED.sealed_at;

-- name: find_purgeable
-- Sealed rows of records that have no work left, in the order of the chain. A record that is, or ever was,
-- in Visma keeps all its rows until the newest of them is older than the years of retention.
SELECT s.seq, s.history_id, s.mac
FROM history_seals s JOIN history h ON h.id = s.history_id
WHERE s.tenant = %(tenant)s AND s.seq > %(after)s AND s.purged IS NULL AND h.at < %(older_than)s
  AND NOT EXISTS (
      SELECT FROM records r
      WHERE r.tenant = h.tenant AND r.kind = h.kind AND r.bill_id = h.bill_id
        AND (r.wanted > r.done OR r.state NOT IN ('synced', 'ignored')))
  AND (NOT EXISTS (
          SELECT FROM history young
          WHERE young.tenant = h.tenant AND young.kind = h.kind AND young.bill_id = h.bill_id
            AND young.at >= now() - make_interval(years => %(retention_years)s))
       OR NOT EXISTS (
          SELECT FROM history written
          WHERE written.tenant = h.tenant AND written.kind = h.kind AND written.bill_id = h.bill_id
            AND written.visma_number IS NOT NULL
          UNION ALL
          SELECT FROM records r
          WHERE r.tenant = h.tenant AND r.kind = h.kind AND r.bill_id = h.bill_id
            AND r.visma_number IS NOT NULL))
ORDER BY s.seq LIMIT %(most)s;

-- name: mark_purged
UPDATE history_seals s SET purged = one.proof
FROM unnest(%(seqs)s::bigint[], %(proofs)s::bytea[]) AS one (seq, proof)
WHERE s.tenant = %(tenant)s AND s.seq = one.seq;

-- name: delete_rows
DELETE FROM history WHERE tenant = %(tenant)s AND id = ANY(%(ids)s);

-- name: find_last_leading_purged
-- The last seal of those at the chain's beginning whose rows are all purged.
SELECT s.seq, s.mac FROM history_seals s
WHERE s.tenant = %(tenant)s AND s.seq < COALESCE(
    (SELECT min(kept.seq) FROM history_seals kept WHERE kept.tenant = %(tenant)s AND kept.purged IS NULL),
    (SELECT max(every.seq) + 1 FROM history_seals every WHERE every.tenant = %(tenant)s))
ORDER BY s.seq DESC LIMIT 1;

-- name: drop_leading
DELETE FROM history_seals WHERE tenant = %(tenant)s AND seq <= %(seq)s;

-- name: list_anchors
SELECT * FROM history_anchors WHERE tenant = %(tenant)s ORDER BY seq, id;

-- name: now
SELECT now() AS now;

-- name: add_anchor
INSERT INTO history_anchors (tenant, seq, mac, purged, older_than, purged_at, actor, proof)
VALUES (%(tenant)s, %(seq)s, %(mac)s, %(purged)s, %(older_than)s, %(purged_at)s, %(actor)s, %(proof)s);

-- name: walk
SELECT s.seq, s.history_id, s.before, s.mac, s.purged, h.*
FROM history_seals s LEFT JOIN history h ON h.id = s.history_id
WHERE s.tenant = %(tenant)s ORDER BY s.seq;

-- name: count_unsealed
SELECT count(*) AS count, min(h.at) AS oldest_at
FROM history_unsealed u JOIN history h ON h.id = u.history_id
WHERE u.tenant = %(tenant)s;

-- name: find_unguarded
-- Rows that neither have a seal nor wait for one: their seal was taken away, or they got past the trigger.
SELECT h.id, h.kind, h.bill_id, h.at, h.action FROM history h
WHERE h.tenant = %(tenant)s
  AND NOT EXISTS (SELECT FROM history_seals s WHERE s.history_id = h.id)
  AND NOT EXISTS (SELECT FROM history_unsealed u WHERE u.history_id = h.id)
ORDER BY h.id LIMIT %(most)s;

-- name: find_lost
-- Rows that were removed before they were sealed.
SELECT u.history_id AS id FROM history_unsealed u
WHERE u.tenant = %(tenant)s
  AND NOT EXISTS (SELECT FROM history h WHERE h.id = u.history_id)
ORDER BY u.history_id LIMIT %(most)s;
