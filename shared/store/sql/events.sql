-- name: add
INSERT INTO events (tenant, event_id, event_type, kind, bill_id, body, received_at)
VALUES (%(tenant)s, %(event_id)s, %(event_type)s, %(kind)s, %(bill_id)s, %(body)s, %(received_at)s)
ON CONFLICT DO NOTHING
RETURNING event_id;

-- name: known
SELECT event_id FROM events WHERE tenant = %(tenant)s AND event_id = ANY(%(event_ids)s);

-- name: delete_older
-- A batch of what was received so long ago, the oldest first.
DELETE FROM events WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM events WHERE received_at < %(before)s ORDER BY received_at
    LIMIT %(most)s FOR UPDATE SKIP LOCKED));

-- name: last_of_record
-- The notification that a record was last heard of by, while it is kept.
SELECT event_id, event_type, received_at FROM events
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s ORDER BY received_at DESC LIMIT 1;
