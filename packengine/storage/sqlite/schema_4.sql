-- The catalog, from schema 3 to schema 4: what repositories are like, sizes, token patterns, rotated keys, jobs.

ALTER TABLE repository ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE repository ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0 CHECK (is_public IN (0, 1));
ALTER TABLE repository ADD COLUMN rules TEXT; -- of refs, as JSON; NULL: none

-- Of the packs that the manifest names. Repositories of schema 3 have 0 until their next publish; none has an owner.
ALTER TABLE pointer ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0 CHECK (size_bytes >= 0);

ALTER TABLE token ADD COLUMN refs TEXT; -- the patterns of the refs that it may move, as a JSON list; NULL: any

-- What was rotated while the server ran. `replaces`: what counted before; it counts again if another one is configured.
CREATE TABLE server_key (
    name      TEXT PRIMARY KEY,
    value     BLOB NOT NULL,
    replaces  BLOB NOT NULL,
    set_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Long work that is asked for in one request and told of in others. Whoever works at it renews its time.
CREATE TABLE job (
    id               TEXT PRIMARY KEY,
    repository       INTEGER NOT NULL REFERENCES repository (key),
    kind             TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    subject          TEXT,
    request          TEXT NOT NULL,
    progress         TEXT,
    error            TEXT,
    created_at_ms    INTEGER NOT NULL,
    updated_at_ms    INTEGER NOT NULL,
    holder           TEXT,
    expires_at_ms    INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1))
) STRICT;
CREATE INDEX job_by_repository ON job (repository);
CREATE INDEX job_by_kind ON job (kind) WHERE state IN ('queued', 'running');
