-- name: add
INSERT INTO dead_letters (task_id, tenant, kind, bill_id, task, args, error_class, error, traceback, raw,
                          attempts)
VALUES (%(task_id)s, %(tenant)s, %(kind)s, %(bill_id)s, %(task)s, %(args)s, %(error_class)s, %(error)s,
        %(traceback)s, %(raw)s, %(attempts)s)
ON CONFLICT (task_id) DO UPDATE SET error = EXCLUDED.error, failed_at = now()
RETURNING id;

-- name: close
-- The record succeeded by another run: its letters are done with; those of its attachments by theirs.
UPDATE dead_letters SET state = 'closed', settled_at = now(), settled_by = %(by)s
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND state = 'open'
  AND (task = 'connector.copy_attachments') = %(attachments)s;

-- name: list
SELECT id, tenant, kind, bill_id, task, error_class, error, state, failed_at, attempts, settled_at,
       settled_by, why
FROM dead_letters
WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY id;

-- name: count_open
SELECT tenant, count(*) AS count FROM dead_letters WHERE state = 'open' GROUP BY tenant;

-- name: get
SELECT * FROM dead_letters WHERE id = %(id)s;
