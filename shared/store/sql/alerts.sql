-- name: take_due
-- Tenants whose limits are to be looked at now; each is given to one caller only.
UPDATE tenants SET alerts_checked_at = now()
WHERE id IN (SELECT id FROM tenants
             WHERE alerts_checked_at IS NULL OR alerts_checked_at <= now() - %(every_s)s * interval '1 second'
             FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: measure
SELECT COALESCE(EXTRACT(epoch FROM now() - min(due_since) FILTER (WHERE wanted > done AND state <> 'dead')), 0)
           ::float8 AS lag_s,
       count(*) FILTER (WHERE state = 'held') AS held,
       (SELECT count(*) FROM dead_letters WHERE tenant = %(tenant)s AND state = 'open') AS dead_letters
FROM records WHERE tenant = %(tenant)s AND (state = 'held' OR (wanted > done AND state <> 'dead'));

-- name: raise
-- Whether it is news: one that stands already is kept up to date.
INSERT INTO alerts (tenant, what, detail) VALUES (%(tenant)s, %(what)s, %(detail)s)
ON CONFLICT (tenant, what) DO UPDATE SET detail = EXCLUDED.detail, calm_since = NULL
RETURNING xmax = 0 AS is_new;

-- name: calm
UPDATE alerts SET calm_since = now()
WHERE tenant = %(tenant)s AND calm_since IS NULL AND NOT what = ANY(%(standing)s);

-- name: heal
-- What has been calm for long enough is over; a value that swings about its limit is one alert.
DELETE FROM alerts
WHERE tenant = %(tenant)s AND calm_since <= now() - %(calm_s)s * interval '1 second'
RETURNING what;

-- name: list
SELECT what, detail, raised_at FROM alerts WHERE tenant = %(tenant)s ORDER BY raised_at, what;
