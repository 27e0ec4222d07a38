-- Pages over dead letters and over what is held: filtered, searched, and read 50 rows at a time.

ALTER TABLE dead_letters ADD COLUMN label text;
COMMENT ON COLUMN dead_letters.label IS 'the name people know the record by, as it was when it died';
UPDATE dead_letters d SET label = r.label FROM records r
WHERE r.tenant = d.tenant AND r.kind = d.kind AND r.bill_id = d.bill_id;

CREATE FUNCTION search_words(given text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT to_tsvector('simple', regexp_replace(left(given, 2000), '[^[:alnum:]]+', ' ', 'g'))
$$;
COMMENT ON FUNCTION search_words IS 'the words of a text; letters and digits only';
CREATE FUNCTION search_query(given text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT to_tsquery('simple', string_agg(word || ':*', ' & '))
    FROM regexp_split_to_table(left(given, 200), '[^[:alnum:]]+') word WHERE word <> ''
$$;
COMMENT ON FUNCTION search_query IS 'texts that have a word beginning with each of these; null for no word';

CREATE INDEX dead_letters_by_state ON dead_letters (state, id);
CREATE INDEX dead_letters_of_tenant ON dead_letters (tenant, state, id);
CREATE INDEX dead_letters_by_error ON dead_letters (error_class, state, id);
CREATE INDEX dead_letters_words ON dead_letters
    USING gin (search_words(coalesce(bill_id, '') || ' ' || coalesce(label, '') || ' ' || error));
-- The notification that a record was last heard of by.
CREATE INDEX events_of_record ON events (tenant, kind, bill_id, received_at);

ALTER TABLE records ADD COLUMN held_at timestamptz;
COMMENT ON COLUMN records.held_at IS 'since when a person is waited for; judging it anew does not move it';
UPDATE records SET held_at = COALESCE(judged_at, changed_at) WHERE state = 'held';
CREATE INDEX records_held ON records (reason, held_at, tenant, kind, bill_id) WHERE state = 'held';
CREATE INDEX records_held_of_tenant ON records (tenant, reason, held_at, kind, bill_id) WHERE state = 'held';
