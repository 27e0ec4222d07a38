-- name: bills_of_month
-- Bills that were written with a date of the month, and those not written whose content names one; the text
-- alone is looked at, since reading all of it as JSON would take long.
SELECT bill_id FROM records
WHERE tenant = %(tenant)s AND kind = 'bill' AND (
    body -> 'header' ->> 'date' LIKE %(prefix)s
    OR (visma_number IS NULL AND (content IS NULL OR convert_from(content, 'UTF8') ~ %(pattern)s)))
ORDER BY bill_id;

-- name: known
SELECT bill_id, state, reason, detail, visma_type, visma_number, body ->> 'origin' AS origin,
       body -> 'header' ->> 'financialPeriod' AS period
FROM records WHERE tenant = %(tenant)s AND kind = 'bill' AND bill_id = ANY(%(bill_ids)s);

-- name: owners
SELECT r.visma_type, r.visma_number, r.bill_id
FROM unnest(%(types)s::text[], %(numbers)s::text[]) AS wanted (visma_type, visma_number)
JOIN records r ON r.tenant = %(tenant)s AND r.kind = 'bill'
  AND r.visma_type = wanted.visma_type AND r.visma_number = wanted.visma_number;

-- name: supplier_numbers
SELECT bill_id, visma_number FROM records
WHERE tenant = %(tenant)s AND kind = 'vendor' AND bill_id = ANY(%(vendor_ids)s) AND visma_number IS NOT NULL;

-- name: marked
SELECT visma_type, number FROM visma_index
WHERE tenant = %(tenant)s AND kind = 'supplier_invoice' AND bill_id = ANY(%(bill_ids)s);

-- name: supplier_names
SELECT number, name FROM visma_index
WHERE tenant = %(tenant)s AND kind = 'supplier' AND number = ANY(%(numbers)s) AND name IS NOT NULL;
