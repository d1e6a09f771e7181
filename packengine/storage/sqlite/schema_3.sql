-- The catalog, from schema 2 to schema 3: leases, open readers, and what garbage collection condemns.

-- As before, but that a deleted repository can give its manifest up, and that there is no foreign key to content: each
-- deletion of a row would look through all pointers for it. Deleting looks for itself, once for many rows.
ALTER TABLE pointer RENAME TO pointer_of_schema_2;
CREATE TABLE pointer (
    repository    INTEGER PRIMARY KEY REFERENCES repository (key),
    version       INTEGER NOT NULL CHECK (version >= first_version),
    manifest      INTEGER, -- the key of its content row; NULL: beyond the window of undeletion
    first_version INTEGER NOT NULL CHECK (first_version >= 1) -- as it was created
) STRICT;
INSERT INTO pointer SELECT repository, version, manifest, first_version FROM pointer_of_schema_2;
DROP TABLE pointer_of_schema_2;

CREATE TABLE lease (
    name          TEXT PRIMARY KEY,
    holder        TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reader (
    id             TEXT PRIMARY KEY,
    oldest_open_ms INTEGER NOT NULL, -- nothing that it uses was opened before
    expires_at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be deleted, and blobs that were. `kind` as in content; 0 is a blob.
CREATE TABLE condemned (
    digest          BLOB NOT NULL CHECK (length(digest) = 32),
    kind            INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    generation      INTEGER NOT NULL CHECK (generation >= 0 AND (kind = 0 OR generation = 0)),
    condemned_at_ms INTEGER, -- NULL: the blob is deleted; the generation stays spent
    CHECK (condemned_at_ms IS NOT NULL OR kind = 0),
    PRIMARY KEY (digest, kind, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX condemned_by_time ON condemned (condemned_at_ms) WHERE condemned_at_ms IS NOT NULL;

-- The mark under way, if is_open, and what was named since it began: only what had been stored before.
CREATE TABLE mark (
    key           INTEGER PRIMARY KEY CHECK (key = 1),
    number        INTEGER NOT NULL,
    is_open       INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    kept_since_ms INTEGER NOT NULL -- states of refs that were replaced before may be gone, by this mark or an earlier one
) STRICT;
INSERT INTO mark VALUES (1, 0, 0, 0);
CREATE TABLE named_since_mark (
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    kind       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (digest, kind, generation)
) STRICT, WITHOUT ROWID;
