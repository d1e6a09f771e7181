-- The catalog, from nothing to schema 1. docs/storage.md says what each table is for and what a fork costs in bytes.
-- Rows name each other by integer keys; text ids and digests are stored once, and once more in the index that finds them.

CREATE TABLE owner (
    key  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Immutable bytes: manifests, ref blocks, tail packs and their indexes. `kind` is _content.KIND_NUMBERS.
CREATE TABLE content (
    key    INTEGER PRIMARY KEY,
    kind   INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    data   BLOB NOT NULL CHECK (length(data) <= 2000000)
) STRICT;
CREATE UNIQUE INDEX content_by_digest ON content (digest, kind);

-- A deleted repository stays as a tombstone. Keys only grow, so that their order is the order of creation.
CREATE TABLE repository (
    key          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL,
    owner        INTEGER REFERENCES owner (key),
    source       INTEGER REFERENCES repository (key),
    created_at_s INTEGER NOT NULL,
    read_only    INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    deleted_at_s INTEGER,
    id_free_at_s INTEGER, -- when a new repository may bear the id of this deleted one
    CHECK ((deleted_at_s IS NULL) = (id_free_at_s IS NULL))
) STRICT;
CREATE UNIQUE INDEX repository_by_live_id ON repository (id) WHERE deleted_at_s IS NULL;
CREATE INDEX repository_by_dead_id ON repository (id) WHERE deleted_at_s IS NOT NULL;
CREATE INDEX repository_by_owner ON repository (owner) WHERE owner IS NOT NULL AND deleted_at_s IS NULL;
CREATE INDEX repository_by_source ON repository (source) WHERE source IS NOT NULL AND deleted_at_s IS NULL;

-- The one mutable thing (design, law 3), apart from its repository so that a publish rewrites a dense page.
CREATE TABLE pointer (
    repository    INTEGER PRIMARY KEY REFERENCES repository (key),
    version       INTEGER NOT NULL CHECK (version >= first_version),
    manifest      INTEGER NOT NULL REFERENCES content (key),
    first_version INTEGER NOT NULL CHECK (first_version >= 1) -- as it was created
) STRICT;

-- Tokens of deleted repositories are deleted. `scope` is _tokens.SCOPE_NUMBERS.
CREATE TABLE token (
    key          INTEGER PRIMARY KEY,
    hash         BLOB NOT NULL CHECK (length(hash) = 32),
    repository   INTEGER NOT NULL REFERENCES repository (key),
    scope        INTEGER NOT NULL CHECK (scope IN (1, 2)),
    created_at_s INTEGER NOT NULL,
    expires_at_s INTEGER,
    revoked_at_s INTEGER,
    subject      TEXT,
    label        TEXT
) STRICT;
CREATE UNIQUE INDEX token_by_hash ON token (hash);
CREATE INDEX token_by_repository ON token (repository);
