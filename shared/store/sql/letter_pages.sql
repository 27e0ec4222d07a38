-- name: page
-- The newest first, from below a letter on; a search is for the beginnings of words.
SELECT id, tenant, kind, bill_id, label, task, error_class, error, state, failed_at, attempts, settled_at,
       settled_by, why
FROM dead_letters
WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(error)s::text IS NULL OR error_class = %(error)s)
  AND (search_query(%(words)s::text) IS NULL
       OR search_words(coalesce(bill_id, '') || ' ' || coalesce(label, '') || ' ' || error)
          @@ search_query(%(words)s::text))
  AND (%(below)s::bigint IS NULL OR id < %(below)s)
ORDER BY id DESC LIMIT %(most)s;

-- name: count
-- As far as people read numbers; counting on would cost more than the page.
SELECT count(*) AS count FROM (
    SELECT FROM dead_letters
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
      AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(error)s::text IS NULL OR error_class = %(error)s)
      AND (search_query(%(words)s::text) IS NULL
           OR search_words(coalesce(bill_id, '') || ' ' || coalesce(label, '') || ' ' || error)
              @@ search_query(%(words)s::text))
      AND (%(below)s::bigint IS NULL OR id < %(below)s)
    LIMIT %(most)s) AS counted;

-- name: errors
-- Each class once, by jumping from one to the next in the index.
WITH RECURSIVE found AS (
    (SELECT error_class FROM dead_letters ORDER BY error_class LIMIT 1)
    UNION ALL
    SELECT (SELECT error_class FROM dead_letters d WHERE d.error_class > f.error_class
            ORDER BY error_class LIMIT 1)
    FROM found f WHERE f.error_class IS NOT NULL
)
SELECT error_class FROM found WHERE error_class IS NOT NULL;

-- name: outcomes
-- What became of the records of these letters.
SELECT CASE WHEN r.wanted > r.done AND r.state <> 'dead' THEN 'working' ELSE r.state END AS state,
       count(*) AS count
FROM (SELECT DISTINCT tenant, kind, bill_id FROM dead_letters WHERE id = ANY(%(ids)s)) d
JOIN records r USING (tenant, kind, bill_id) GROUP BY 1;

-- name: newer_letter
-- The open letter that a record left after this one.
SELECT id FROM dead_letters
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s AND state = 'open' AND id > %(id)s
ORDER BY id DESC LIMIT 1;

-- name: vendors
-- What the vendors of these bills are called.
SELECT b.tenant, b.bill_id, v.label
FROM unnest(%(tenants)s::text[], %(bill_ids)s::text[]) AS wanted (tenant, bill_id)
JOIN records b ON b.tenant = wanted.tenant AND b.kind = 'bill' AND b.bill_id = wanted.bill_id
JOIN records v ON v.tenant = b.tenant AND v.kind = 'vendor' AND v.bill_id = b.vendor_id
WHERE v.label IS NOT NULL;
