-- name: count_left
SELECT count(*) AS count FROM records
WHERE tenant = %(tenant)s AND wanted > done AND state <> 'dead'
  AND (%(kind)s::text IS NULL OR (kind = %(kind)s AND bill_id = %(bill_id)s));

-- name: list_stopped
-- What a person must look at, of what changed in BILL since the given time.
SELECT kind, bill_id, state, reason, detail FROM records
WHERE tenant = %(tenant)s AND state IN ('held', 'dead')
  AND (%(kind)s::text IS NULL OR (kind = %(kind)s AND bill_id = %(bill_id)s))
  AND (%(since)s::timestamptz IS NULL OR bill_updated_at >= %(since)s)
ORDER BY kind DESC, bill_id;

-- name: count_unsynced
-- What is not in Visma as BILL has it, by why. What BILL says of a bill that is ignored or waits is told
-- in few words; the details of the others are as many as they are.
SELECT kind, state, reason, CASE WHEN state IN ('ignored', 'waiting') THEN detail END AS detail,
       count(*) AS count
FROM records WHERE tenant = %(tenant)s AND state <> 'synced'
GROUP BY 1, 2, 3, 4
ORDER BY kind, array_position(ARRAY['held', 'dead', 'waiting', 'pending', 'ignored'], state), count DESC,
         reason, detail;
