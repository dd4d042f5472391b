-- Times are unix milliseconds, flags are 0 and 1, lists are JSON. Never edited after landing: add 0002.

CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    n BIGINT NOT NULL
);

CREATE TABLE health (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL,
    login_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    pbx TEXT NOT NULL,
    extension TEXT,
    channel TEXT,
    teams TEXT NOT NULL,
    source TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    policy TEXT NOT NULL,
    subject TEXT UNIQUE
);
CREATE INDEX users_by_extension ON users (pbx, extension);

CREATE TABLE devices (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_seen BIGINT,
    last_address TEXT,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX devices_by_user ON devices (user_id);

CREATE TABLE enrolments (
    code_hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    made_by TEXT,
    taken_at BIGINT
);

CREATE TABLE audit (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_user TEXT,
    actor_device TEXT,
    address TEXT,
    action TEXT NOT NULL,
    target TEXT,
    outcome TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX audit_by_user ON audit (actor_user, id);
CREATE INDEX audit_by_action ON audit (action, id);

-- What is known of a call: certainty is 0 open, 1 lost, 2 told by the PBX's record, 3 seen to its end.
CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    pbx TEXT NOT NULL,
    certainty BIGINT NOT NULL,
    direction TEXT NOT NULL,
    caller_number TEXT,
    caller_name TEXT,
    callee_number TEXT,
    callee_name TEXT,
    dialled TEXT,
    line TEXT,
    did TEXT,
    queues TEXT NOT NULL,
    started BIGINT NOT NULL,
    answered BIGINT,
    ended BIGINT,
    ring_ms BIGINT NOT NULL,
    wait_ms BIGINT NOT NULL,
    talk_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    outcome_words TEXT NOT NULL,
    answered_by TEXT,
    ended_by TEXT,
    cause BIGINT,
    way TEXT NOT NULL,
    recording TEXT,
    source TEXT NOT NULL,
    legs TEXT NOT NULL,
    linkedid TEXT,
    counts_as_missed BIGINT NOT NULL,
    -- Both names in small letters, which SQLite cannot make of letters beyond ASCII.
    names TEXT NOT NULL,
    -- The number outside the firm with which the call was, in digits.
    peer TEXT
);
CREATE INDEX calls_by_time ON calls (started, id);
CREATE INDEX calls_by_peer ON calls (peer, started);
-- Not by PBX first: most calls are of one, and SQLite would take them all for a filter and then sort.
CREATE INDEX calls_by_linkedid ON calls (linkedid, pbx);
CREATE INDEX calls_open ON calls (pbx, id) WHERE ended IS NULL;

-- A channel belongs to one call: this is what keeps a call from being written twice.
CREATE TABLE channels (
    pbx TEXT NOT NULL,
    uniqueid TEXT NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    PRIMARY KEY (pbx, uniqueid)
);
CREATE INDEX channels_by_call ON channels (call_id);

-- Ids under which a call was written before it was found to be another one.
CREATE TABLE aliases (
    alias TEXT NOT NULL PRIMARY KEY,
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE
);
CREATE INDEX aliases_by_call ON aliases (call_id);

-- What a call is found by: numbers (digits), extensions, queues.
CREATE TABLE call_keys (
    kind TEXT NOT NULL,
    word TEXT NOT NULL,
    started BIGINT NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, word, started, call_id)
);
CREATE INDEX call_keys_by_call ON call_keys (call_id, kind, word);

-- Every tail of every number, so that any part of a number is the beginning of a row here.
CREATE TABLE number_parts (
    part TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (part, number)
);
CREATE INDEX number_parts_by_number ON number_parts (number);

CREATE TABLE cdr_cursors (
    pbx TEXT NOT NULL,
    source TEXT NOT NULL,
    place TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (pbx, source)
);

CREATE TABLE missed_items (
    id TEXT NOT NULL PRIMARY KEY,
    pbx TEXT NOT NULL,
    number TEXT,
    digits TEXT,
    name TEXT,
    line TEXT,
    queue TEXT,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    call_id TEXT NOT NULL,
    closed_at BIGINT,
    closed_by_extension TEXT,
    closed_by_user TEXT,
    closed_by_call TEXT
);
CREATE INDEX missed_items_open ON missed_items (last_at) WHERE closed_at IS NULL;
CREATE INDEX missed_items_closed ON missed_items (closed_at);
CREATE INDEX missed_items_by_number ON missed_items (digits, last_at);

CREATE TABLE misses (
    call_id TEXT NOT NULL PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
    item TEXT NOT NULL REFERENCES missed_items (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    number TEXT,
    name TEXT,
    line TEXT,
    queue TEXT
);
CREATE INDEX misses_by_item ON misses (item, at);

CREATE TABLE subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    events TEXT NOT NULL,
    active BIGINT NOT NULL,
    dropped BIGINT NOT NULL
);

CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    subscription TEXT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT,
    dead BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (dead, due_at);
CREATE INDEX outbox_by_subscription ON outbox (subscription, dead, id);

CREATE TABLE settings (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    value TEXT NOT NULL,
    changed_by TEXT,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE requests (
    who TEXT NOT NULL,
    request_id TEXT NOT NULL,
    outcome TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (who, request_id)
);
CREATE INDEX requests_by_time ON requests (at);
