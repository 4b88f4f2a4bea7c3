-- Times are microseconds since 1970, UTC. Uids are text. What only this program reads, and never
-- searches by, is JSON.

CREATE TABLE exporters (
    uid TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    told TEXT NOT NULL,
    username TEXT,
    migrated_namespace TEXT,
    migrated_uid TEXT,
    enabled INTEGER NOT NULL,
    devices TEXT NOT NULL,
    status INTEGER,
    status_message TEXT NOT NULL,
    online INTEGER NOT NULL,
    last_seen INTEGER,
    generation INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (namespace, name)
);

CREATE TABLE clients (
    uid TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    username TEXT,
    migrated_namespace TEXT,
    migrated_uid TEXT,
    provisioned INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (namespace, name)
);

CREATE TABLE policies (
    uid TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    exporters TEXT NOT NULL,
    rules TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (namespace, name)
);

CREATE TABLE credentials (
    jti TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    label TEXT NOT NULL,
    key_id TEXT NOT NULL,
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
);
CREATE INDEX credentials_owner ON credentials (owner);

CREATE TABLE leases (
    uid TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    selector TEXT NOT NULL,
    pinned TEXT,
    allow_disabled INTEGER NOT NULL,
    duration INTEGER,
    not_before INTEGER,
    not_after INTEGER,
    tags TEXT NOT NULL,
    context TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('scheduled', 'pending', 'active', 'ended')),
    exporter_uid TEXT,
    exporter_name TEXT,
    began INTEGER,
    ended INTEGER,
    end_reason TEXT,
    priority INTEGER NOT NULL,
    eligible_since INTEGER,
    conditions TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (namespace, name)
);
-- Nobody is promised an exporter that somebody else has.
CREATE UNIQUE INDEX leases_one_per_exporter ON leases (exporter_uid) WHERE state = 'active';
CREATE INDEX leases_open ON leases (state) WHERE state <> 'ended';
CREATE INDEX leases_ended ON leases (ended) WHERE state = 'ended';
CREATE INDEX leases_used ON leases (exporter_uid, began) WHERE exporter_uid IS NOT NULL;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (name, namespace, kind);
