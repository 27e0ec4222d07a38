-- name: bills
-- What BILL has of every bill that is carried over, or waits to be.
SELECT content FROM records
WHERE tenant = %(tenant)s AND kind = 'bill' AND content_whole AND state <> 'ignored'
ORDER BY bill_id;

-- name: created_kinds
-- Of which kinds Visma has numbered something that we created.
SELECT kind FROM (VALUES ('vendor'), ('bill')) AS kinds (kind)
WHERE EXISTS (SELECT FROM records r
              WHERE r.tenant = %(tenant)s AND r.kind = kinds.kind AND r.visma_number IS NOT NULL
                AND r.body ->> 'origin' = 'created');
