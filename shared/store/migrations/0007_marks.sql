-- Single facts about the whole installation.

CREATE TABLE marks (
    name       text PRIMARY KEY,
    value      text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
