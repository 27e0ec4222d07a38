-- name: take_due
-- Polls that are due: taken by compare-and-set, so that any number of ticks is harmless. At most so many of
-- one tenant run at a time, Visma's first, which every create waits for; and of the long ones, which look
-- back over weeks, one, so that neither keeps the others waiting.
WITH running AS (
    SELECT tenant, source IN ('sweep', 'backfill') AS long, count(*) AS count FROM watermarks
    WHERE claim_expires_at >= now() GROUP BY 1, 2
), due AS (
    SELECT w.tenant, w.source, w.kind, source IN ('sweep', 'backfill') AS long,
           row_number() OVER (PARTITION BY w.tenant, source IN ('sweep', 'backfill')
                              ORDER BY w.source <> 'visma', w.next_poll_at, w.source, w.kind DESC) AS turn
    FROM watermarks w JOIN tenants t ON t.id = w.tenant
    WHERE NOT t.paused AND t.suspended IS NULL
      AND w.next_poll_at <= now() AND (w.claim_expires_at IS NULL OR w.claim_expires_at < now())
)
UPDATE watermarks w
SET claim_token = gen_random_uuid(), claim_expires_at = now() + %(claim_s)s * interval '1 second'
FROM due d LEFT JOIN running r USING (tenant, long)
WHERE (w.tenant, w.source, w.kind) = (d.tenant, d.source, d.kind)
  AND d.turn + COALESCE(r.count, 0) <= CASE WHEN d.long THEN %(most_long)s ELSE %(most)s END
  AND (w.claim_expires_at IS NULL OR w.claim_expires_at < now())
RETURNING w.tenant, w.source, w.kind, w.claim_token;

-- name: hold
-- With a position where a part of the walk is stored whole, so that a walk broken off goes on there.
UPDATE watermarks
SET claim_expires_at = now() + %(claim_s)s * interval '1 second',
    position = CASE WHEN %(position)s::text > COALESCE(position, '') THEN %(position)s ELSE position END
WHERE tenant = %(tenant)s AND source = %(source)s AND kind = %(kind)s AND claim_token = %(token)s
  AND claim_expires_at > now();

-- name: complete
-- A whole walk is stored; the position never moves backwards.
UPDATE watermarks
SET position = CASE WHEN %(position)s::text > COALESCE(position, '') THEN %(position)s ELSE position END,
    first_complete_at = COALESCE(first_complete_at, now()), last_complete_at = %(started_at)s,
    next_poll_at = now() + %(interval_s)s * interval '1 second', last_error = NULL,
    claim_token = NULL, claim_expires_at = NULL
WHERE tenant = %(tenant)s AND source = %(source)s AND kind = %(kind)s AND claim_token = %(token)s
RETURNING first_complete_at;

-- name: fail
UPDATE watermarks
SET next_poll_at = now() + %(delay_s)s * interval '1 second', last_error = %(error)s,
    claim_token = NULL, claim_expires_at = NULL
WHERE tenant = %(tenant)s AND source = %(source)s AND kind = %(kind)s AND claim_token = %(token)s;

-- name: list
SELECT * FROM watermarks WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
ORDER BY tenant, source, kind;

-- name: visma_age
-- Seconds since the older of the two Visma walks was begun; null while one was never finished.
SELECT CASE WHEN bool_and(last_complete_at IS NOT NULL)
            THEN EXTRACT(epoch FROM now() - min(last_complete_at))::float8 END AS age_s
FROM watermarks WHERE tenant = %(tenant)s AND source = 'visma';

-- name: poll_now
UPDATE watermarks SET next_poll_at = now()
WHERE tenant = %(tenant)s AND next_poll_at > now() AND (%(source)s::text IS NULL OR source = %(source)s);

-- name: note_walk
-- A whole walk that no poll had claimed: a person's.
UPDATE watermarks
SET position = CASE WHEN %(position)s::text > COALESCE(position, '') THEN %(position)s ELSE position END,
    first_complete_at = COALESCE(first_complete_at, now()),
    last_complete_at = GREATEST(last_complete_at, %(started_at)s)
WHERE tenant = %(tenant)s AND source = %(source)s AND kind = %(kind)s;

-- name: begin_backfill
-- A row of vendors first; one that runs already begins anew, from the earlier of the two days.
INSERT INTO watermarks (tenant, source, kind, position) VALUES (%(tenant)s, 'backfill', 'vendor', %(since)s)
ON CONFLICT (tenant, source, kind) DO UPDATE
SET position = NULLIF(LEAST(COALESCE(watermarks.position, ''), COALESCE(EXCLUDED.position, '')), ''),
    next_poll_at = now(), claim_token = NULL, claim_expires_at = NULL;

-- name: end_backfill
-- The vendors are known: their bills are next. With the bills it is done.
WITH ended AS (
    DELETE FROM watermarks
    WHERE tenant = %(tenant)s AND source = %(source)s AND kind = %(kind)s AND claim_token = %(token)s
    RETURNING tenant, source, kind, position
), followed AS (
    INSERT INTO watermarks (tenant, source, kind, position)
    SELECT tenant, source, 'bill', position FROM ended WHERE kind = 'vendor'
    ON CONFLICT (tenant, source, kind) DO UPDATE
    SET position = NULLIF(LEAST(COALESCE(watermarks.position, ''), COALESCE(EXCLUDED.position, '')), ''),
        next_poll_at = now(), claim_token = NULL, claim_expires_at = NULL
)
SELECT kind FROM ended;
