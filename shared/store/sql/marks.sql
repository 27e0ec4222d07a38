-- name: find
SELECT value FROM marks WHERE name = %(name)s;

-- name: put
INSERT INTO marks (name, value) VALUES (%(name)s, %(value)s)
ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, changed_at = now();
