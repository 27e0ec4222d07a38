-- Dead letters are replayed and discarded, and a record that kills its workers is told from one that fails.

ALTER TABLE records ADD COLUMN lost_claims integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN records.lost_claims IS 'claims in a row that ran out: their workers ended without a word';
ALTER TABLE attachments ADD COLUMN lost_claims integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN attachments.lost_claims IS 'as for records';

ALTER TABLE records ADD COLUMN letter bigint;
COMMENT ON COLUMN records.letter IS 'the open dead letter that a dead record waits behind';
UPDATE records r SET letter = (
    SELECT max(d.id) FROM dead_letters d
    WHERE d.tenant = r.tenant AND d.kind = r.kind AND d.bill_id = r.bill_id
      AND d.task <> 'connector.copy_attachments' AND d.state = 'open')
WHERE state = 'dead';

ALTER TABLE dead_letters ADD COLUMN version timestamptz;
COMMENT ON COLUMN dead_letters.version IS 'updatedTime of the record in BILL that failed; null where unknown';

-- One task leaves one open letter; a message that comes back after a replay may leave another.
ALTER TABLE dead_letters DROP CONSTRAINT dead_letters_task_id_key;
CREATE UNIQUE INDEX dead_letters_open_task ON dead_letters (task_id) WHERE state = 'open';
