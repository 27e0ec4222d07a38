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

-- name: measure_pace
-- Work left, and how much was settled of late, in how many seconds. What is dead waits for a person.
SELECT tenant, count(*) FILTER (WHERE wanted > done AND state <> 'dead') AS left,
       count(*) FILTER (WHERE judged_at > now() - %(window_s)s * interval '1 second') AS settled,
       EXTRACT(epoch FROM now() - min(judged_at) FILTER (
           WHERE judged_at > now() - %(window_s)s * interval '1 second'))::float8 AS span_s
FROM records WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s) GROUP BY tenant;

-- name: count_looked_up
-- Creates whose answer was lost and that a look-up found.
SELECT tenant, count(*) AS count FROM history
WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND detail LIKE '%%resolved by look-up%%'
GROUP BY tenant;
