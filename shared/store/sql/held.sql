-- name: counts
SELECT reason, count(*) AS count, min(held_at) AS oldest_at FROM records
WHERE state = 'held' AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) GROUP BY reason ORDER BY reason;

-- name: page
-- By reason, the oldest first, from behind a record on.
SELECT tenant, kind, bill_id, label, vendor_id, reason, detail, visma_number, held_at FROM records
WHERE state = 'held' AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
  AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(last_reason)s::text IS NULL
       OR (reason, held_at, tenant, kind, bill_id)
          > (%(last_reason)s, %(last_held_at)s::timestamptz, %(last_tenant)s, %(last_kind)s, %(last_bill_id)s))
ORDER BY reason, held_at, tenant, kind, bill_id LIMIT %(most)s;

-- name: behind
-- How many bills wait for each of these vendors.
SELECT r.tenant, r.vendor_id, count(*) AS count
FROM unnest(%(tenants)s::text[], %(vendor_ids)s::text[]) AS v (tenant, vendor_id)
JOIN records r ON r.tenant = v.tenant AND r.vendor_id = v.vendor_id AND r.kind = 'bill'
WHERE r.state IN ('held', 'pending') AND r.reason IN ('vendor_held', 'vendor_first')
GROUP BY r.tenant, r.vendor_id;

-- name: held_at
SELECT held_at FROM records WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s;

-- name: suppliers
-- A company's suppliers, as names to compare with; never more than a person's patience lasts.
SELECT number, name, name_key, number_keys, bill_id, status, currency FROM visma_index
WHERE tenant = %(tenant)s AND kind = 'supplier' ORDER BY number LIMIT %(most)s;
