-- name: put
INSERT INTO links (tenant, vendor_id, supplier_number, made_by)
VALUES (%(tenant)s, %(vendor_id)s, %(supplier_number)s, %(made_by)s)
ON CONFLICT (tenant, vendor_id) DO UPDATE
SET supplier_number = EXCLUDED.supplier_number, made_by = EXCLUDED.made_by, made_at = now();

-- name: get
SELECT supplier_number FROM links WHERE tenant = %(tenant)s AND vendor_id = %(vendor_id)s;

-- name: vendor_of
SELECT vendor_id FROM links WHERE tenant = %(tenant)s AND supplier_number = %(supplier_number)s;

-- name: count_behind
-- Bills that wait for this vendor.
SELECT count(*) AS count FROM records
WHERE tenant = %(tenant)s AND kind = 'bill' AND vendor_id = %(vendor_id)s
  AND state IN ('held', 'pending') AND reason IN ('vendor_held', 'vendor_first');
