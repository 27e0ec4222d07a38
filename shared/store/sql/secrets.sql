-- name: put
INSERT INTO secrets (tenant, kind, key_id, sealed)
VALUES (%(tenant)s, %(kind)s, %(key_id)s, %(sealed)s)
ON CONFLICT (tenant, kind) DO UPDATE
SET key_id = EXCLUDED.key_id, sealed = EXCLUDED.sealed, changed_at = now();

-- name: get
SELECT key_id, sealed FROM secrets WHERE tenant = %(tenant)s AND kind = %(kind)s;

-- name: get_for_update
SELECT key_id, sealed FROM secrets WHERE tenant = %(tenant)s AND kind = %(kind)s FOR UPDATE;

-- name: list
SELECT tenant, kind, key_id, sealed FROM secrets WHERE kind = %(kind)s;

-- name: try_lock_webhook
-- Held until the connection is closed.
SELECT pg_try_advisory_lock(hashtextextended('webhook ' || %(tenant)s, 0)) AS locked;
