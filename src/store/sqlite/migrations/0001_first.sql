-- The first schema. Times are nanoseconds since 1970, exactly as the engine knows them. Large
-- texts stand last, so that scans over the small columns do not read their overflow pages.

-- One row per engine.
CREATE TABLE partitions (
    key          INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    clock        INTEGER,
    next_seq     INTEGER NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT;

-- How far each source partition was read.
CREATE TABLE positions (
    source       TEXT    PRIMARY KEY,
    position     INTEGER NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `seq` orders an engine's complaints; `clock` and `kept_at` rise with it.
CREATE TABLE complaints (
    key       INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL REFERENCES partitions (key),
    seq       INTEGER NOT NULL,
    id        TEXT    NOT NULL UNIQUE,
    clock     INTEGER NOT NULL,
    kept_at   INTEGER NOT NULL,
    content   INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    callers   BLOB    NOT NULL,
    body      TEXT    NOT NULL,
    decision  TEXT    NOT NULL,
    UNIQUE (partition, seq)
) STRICT;

-- A group lives as long as it has a member.
CREATE TABLE groups (
    key INTEGER PRIMARY KEY,
    id  TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE members (
    complaint INTEGER PRIMARY KEY REFERENCES complaints (key) ON DELETE CASCADE,
    grp       INTEGER NOT NULL REFERENCES groups (key)
) STRICT;
CREATE INDEX members_by_group ON members (grp);

-- Groups that went into another, always pointing at one that lives.
CREATE TABLE aliases (
    old TEXT    PRIMARY KEY,
    grp INTEGER NOT NULL REFERENCES groups (key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_group ON aliases (grp);

-- Group incidents and risk cases with the engine's own state.
CREATE TABLE incidents (
    key        INTEGER PRIMARY KEY,
    partition  INTEGER NOT NULL REFERENCES partitions (key),
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    grp        TEXT,
    entity     TEXT,
    open       INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    kept_at    INTEGER NOT NULL,
    state      TEXT    NOT NULL
) STRICT;
CREATE INDEX incidents_by_partition ON incidents (partition, id);

-- Every revision of every alert, in the order they were raised.
CREATE TABLE alerts (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL REFERENCES partitions (key),
    id        TEXT    NOT NULL,
    revision  INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    raised_at INTEGER NOT NULL,
    kept_at   INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    UNIQUE (id, revision)
) STRICT;

-- One row per alert revision and sink. Among the undelivered rows of one sink and alert only the
-- oldest has a due time, so revisions arrive in order. A lease is a due time in the future.
CREATE TABLE outbox (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    sink         TEXT    NOT NULL,
    alert        INTEGER NOT NULL REFERENCES alerts (key),
    alert_id     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    due_at       INTEGER,
    attempts     INTEGER NOT NULL DEFAULT 0,
    lease_owner  TEXT,
    last_error   TEXT,
    delivered_at INTEGER,
    receipt      TEXT
) STRICT;
CREATE INDEX outbox_pending ON outbox (sink, alert_id, seq, created_at) WHERE delivered_at IS NULL;
CREATE INDEX outbox_due ON outbox (sink, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX outbox_by_alert ON outbox (alert);

-- `sink` and `alert` are set for alerts that a receiver refused.
CREATE TABLE dead_letters (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    reason      TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    place       TEXT    NOT NULL,
    seen_at     INTEGER NOT NULL,
    redriven_at INTEGER,
    sink        TEXT,
    alert       INTEGER REFERENCES alerts (key) ON DELETE SET NULL,
    bytes       BLOB    NOT NULL
) STRICT;
CREATE INDEX dead_letters_open ON dead_letters (reason) WHERE redriven_at IS NULL;
CREATE INDEX dead_letters_by_alert ON dead_letters (alert) WHERE alert IS NOT NULL;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_written_once BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE (ABORT, 'the audit trail is never changed');
END;
