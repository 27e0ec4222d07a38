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

-- name: list_all
SELECT tenant, kind, key_id, sealed FROM secrets ORDER BY kind, tenant;

-- name: swap
-- Compare and set: what was stored anew meanwhile stays. No credential changed, so changed_at stays too.
UPDATE secrets SET key_id = %(key_id)s, sealed = %(sealed)s
WHERE tenant = %(tenant)s AND kind = %(kind)s AND sealed = %(old)s;
