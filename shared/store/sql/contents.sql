-- name: bills
-- What BILL has of every bill that is carried over, or waits to be.
SELECT content FROM records
WHERE tenant = %(tenant)s AND kind = 'bill' AND content_whole AND state <> 'ignored'
ORDER BY bill_id;
