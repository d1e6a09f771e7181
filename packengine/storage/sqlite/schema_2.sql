-- The catalog, from schema 1 to schema 2: the store's secret.

-- One row, made by the first process that asks for it and the same for ever after.
CREATE TABLE secret (
    key   INTEGER PRIMARY KEY CHECK (key = 1),
    value BLOB NOT NULL CHECK (length(value) = 32)
) STRICT;
