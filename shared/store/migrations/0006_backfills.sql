-- A backfill is a row until it is done, so that no lost message ends it and an outage only delays it.

ALTER TABLE watermarks DROP CONSTRAINT watermarks_source_check;
ALTER TABLE watermarks ADD CONSTRAINT watermarks_source_check
    CHECK (source IN ('bill', 'waiting', 'sweep', 'visma', 'events', 'backfill'));
