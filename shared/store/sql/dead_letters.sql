-- name: add
-- With the version of BILL's that died: the newest heard of, or what was read when more came meanwhile.
-- The record notes that it waits behind the letter, in its own row, since that one is locked.
WITH added AS (
    INSERT INTO dead_letters (task_id, tenant, kind, bill_id, task, args, error_class, error, traceback, raw,
                              attempts, version, label)
    SELECT %(task_id)s, %(tenant)s, %(kind)s, %(bill_id)s, %(task)s, %(args)s, %(error_class)s, %(error)s,
           %(traceback)s, %(raw)s, %(attempts)s,
           CASE WHEN r.wanted = r.done THEN r.bill_updated_at ELSE r.content_at END, r.label
    FROM (SELECT) AS one LEFT JOIN records r
        ON r.tenant = %(tenant)s AND r.kind = %(kind)s AND r.bill_id = %(bill_id)s
    ON CONFLICT (task_id) WHERE state = 'open' DO UPDATE SET error = EXCLUDED.error, failed_at = now()
    RETURNING id
), marked AS (
    UPDATE records SET letter = added.id FROM added
    WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND state = 'dead'
      AND %(task)s <> 'connector.copy_attachments'
)
SELECT id FROM added;

-- name: close
-- The record succeeded, or failed anew, by another run: its letters are done with; those of its
-- attachments by theirs.
WITH closed AS (
    UPDATE dead_letters SET state = 'closed', settled_at = now(), settled_by = %(by)s, why = %(why)s
    WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND state = 'open'
      AND (task = 'connector.copy_attachments') = %(attachments)s
    RETURNING id
)
UPDATE records SET letter = NULL FROM closed
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND letter = closed.id;

-- name: list
SELECT id, tenant, kind, bill_id, task, error_class, error, state, failed_at, attempts, settled_at,
       settled_by, why
FROM dead_letters
WHERE (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY id;

-- name: settle
-- Compare and set: of two who settle one letter at once, one gets it.
WITH settled AS (
    UPDATE dead_letters
    SET state = %(state)s, settled_at = now(), settled_by = %(by)s, why = %(why)s
    WHERE id = %(id)s AND state = 'open'
    RETURNING *
), freed AS (
    UPDATE records r SET letter = NULL FROM settled s
    WHERE r.tenant = s.tenant AND r.kind = s.kind AND r.bill_id = s.bill_id AND r.letter = s.id
)
SELECT * FROM settled;

-- name: find_open
SELECT id FROM dead_letters WHERE task_id = %(task_id)s AND state = 'open';

-- name: count_open
SELECT tenant, count(*) AS count FROM dead_letters WHERE state = 'open' GROUP BY tenant;

-- name: get
SELECT * FROM dead_letters WHERE id = %(id)s;
