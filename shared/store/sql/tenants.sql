-- name: apply
INSERT INTO tenants (id, config) VALUES (%(id)s, %(config)s)
ON CONFLICT (id) DO UPDATE SET config = EXCLUDED.config, applied_at = now();

-- name: prepare_watermarks
INSERT INTO watermarks (tenant, source, kind)
VALUES (%(id)s, 'visma', 'supplier'), (%(id)s, 'visma', 'supplier_invoice'),
       (%(id)s, 'bill', 'vendor'), (%(id)s, 'bill', 'bill'), (%(id)s, 'waiting', 'bill'),
       (%(id)s, 'sweep', 'vendor'), (%(id)s, 'sweep', 'bill'), (%(id)s, 'events', 'event')
ON CONFLICT DO NOTHING;

-- name: list
SELECT * FROM tenants ORDER BY id;

-- name: ids
SELECT id FROM tenants ORDER BY id;

-- name: page
SELECT * FROM tenants WHERE %(after)s::text IS NULL OR id > %(after)s ORDER BY id LIMIT %(most)s;

-- name: get
SELECT * FROM tenants WHERE id = %(id)s;

-- name: pause
UPDATE tenants SET paused = %(paused)s, suspended = CASE WHEN %(paused)s THEN suspended END
WHERE id = %(id)s;

-- name: suspend
UPDATE tenants SET suspended = %(why)s WHERE id = %(id)s AND suspended IS NULL;

-- name: lift
UPDATE tenants SET suspended = NULL WHERE id = %(id)s AND suspended IS NOT NULL;
