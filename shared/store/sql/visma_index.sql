-- name: put
-- The newest we know of a document; an older list page never hides what a write of ours just told.
INSERT INTO visma_index (tenant, kind, visma_type, number, supplier_number, name, name_key, number_keys,
                         bill_id, reference_key, status, currency, total, document_date, etag,
                         last_modified, details)
VALUES (%(tenant)s, %(kind)s, %(visma_type)s, %(number)s, %(supplier_number)s, %(name)s, %(name_key)s,
        %(number_keys)s, %(bill_id)s, %(reference_key)s, %(status)s, %(currency)s, %(total)s,
        %(document_date)s, %(etag)s, %(last_modified)s, %(details)s)
ON CONFLICT (tenant, kind, visma_type, number) DO UPDATE SET
    supplier_number = EXCLUDED.supplier_number, name = EXCLUDED.name, name_key = EXCLUDED.name_key,
    number_keys = EXCLUDED.number_keys, bill_id = EXCLUDED.bill_id, reference_key = EXCLUDED.reference_key,
    status = EXCLUDED.status, currency = EXCLUDED.currency, total = EXCLUDED.total,
    document_date = EXCLUDED.document_date, etag = EXCLUDED.etag, last_modified = EXCLUDED.last_modified,
    details = EXCLUDED.details, seen_at = now();

-- name: remove
DELETE FROM visma_index
WHERE tenant = %(tenant)s AND kind = %(kind)s AND visma_type = %(visma_type)s AND number = %(number)s;

-- name: supplier_candidates
SELECT * FROM visma_index
WHERE tenant = %(tenant)s AND kind = 'supplier'
  AND (bill_id = %(vendor_id)s OR number_keys && %(number_keys)s
       OR (name_key = %(name_key)s AND name_key <> '') OR number = %(number)s);

-- name: by_bill
SELECT * FROM visma_index
WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s;

-- name: by_reference
SELECT * FROM visma_index
WHERE tenant = %(tenant)s AND kind = 'supplier_invoice' AND supplier_number = %(supplier_number)s
  AND reference_key = %(reference_key)s AND status <> 'Voided';

-- name: get
SELECT * FROM visma_index
WHERE tenant = %(tenant)s AND kind = %(kind)s AND visma_type = %(visma_type)s AND number = %(number)s;
