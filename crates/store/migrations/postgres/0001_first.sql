-- Times are unix milliseconds, flags are 0 and 1, lists are JSON. Never edited after landing: add 0002.
-- COLLATE "C" compares bytes as SQLite does, so that one text of SQL means one thing, and ranges use indexes.

CREATE TABLE counters (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    n BIGINT NOT NULL
);

CREATE TABLE health (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    login TEXT COLLATE "C" NOT NULL,
    login_key TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    pbx TEXT COLLATE "C" NOT NULL,
    extension TEXT COLLATE "C",
    channel TEXT COLLATE "C",
    teams TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    disabled BIGINT NOT NULL,
    policy TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" UNIQUE
);
CREATE INDEX users_by_extension ON users (pbx, extension);

CREATE TABLE devices (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_seen BIGINT,
    last_address TEXT COLLATE "C",
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX devices_by_user ON devices (user_id);

CREATE TABLE enrolments (
    code_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    made_by TEXT COLLATE "C",
    taken_at BIGINT
);

CREATE TABLE audit (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_user TEXT COLLATE "C",
    actor_device TEXT COLLATE "C",
    address TEXT COLLATE "C",
    action TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C",
    outcome TEXT COLLATE "C" NOT NULL,
    details TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_user ON audit (actor_user, id);
CREATE INDEX audit_by_action ON audit (action, id);

-- What is known of a call: certainty is 0 open, 1 lost, 2 told by the PBX's record, 3 seen to its end.
CREATE TABLE calls (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    pbx TEXT COLLATE "C" NOT NULL,
    certainty BIGINT NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    caller_number TEXT COLLATE "C",
    caller_name TEXT COLLATE "C",
    callee_number TEXT COLLATE "C",
    callee_name TEXT COLLATE "C",
    dialled TEXT COLLATE "C",
    line TEXT COLLATE "C",
    did TEXT COLLATE "C",
    queues TEXT COLLATE "C" NOT NULL,
    started BIGINT NOT NULL,
    answered BIGINT,
    ended BIGINT,
    ring_ms BIGINT NOT NULL,
    wait_ms BIGINT NOT NULL,
    talk_ms BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    outcome_words TEXT COLLATE "C" NOT NULL,
    answered_by TEXT COLLATE "C",
    ended_by TEXT COLLATE "C",
    cause BIGINT,
    way TEXT COLLATE "C" NOT NULL,
    recording TEXT COLLATE "C",
    source TEXT COLLATE "C" NOT NULL,
    legs TEXT COLLATE "C" NOT NULL,
    linkedid TEXT COLLATE "C",
    counts_as_missed BIGINT NOT NULL,
    -- Both names in small letters, as in SQLite, which cannot make them of letters beyond ASCII.
    names TEXT COLLATE "C" NOT NULL,
    -- The number outside the firm with which the call was, in digits.
    peer TEXT COLLATE "C"
);
CREATE INDEX calls_by_time ON calls (started, id);
CREATE INDEX calls_by_peer ON calls (peer, started);
-- Not by PBX first: most calls are of one, and SQLite would take them all for a filter and then sort.
CREATE INDEX calls_by_linkedid ON calls (linkedid, pbx);
CREATE INDEX calls_open ON calls (pbx, id) WHERE ended IS NULL;

-- A channel belongs to one call: this is what keeps a call from being written twice.
CREATE TABLE channels (
    pbx TEXT COLLATE "C" NOT NULL,
    uniqueid TEXT COLLATE "C" NOT NULL,
    call_id TEXT COLLATE "C" NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    PRIMARY KEY (pbx, uniqueid)
);
CREATE INDEX channels_by_call ON channels (call_id);

-- Ids under which a call was written before it was found to be another one.
CREATE TABLE aliases (
    alias TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    call_id TEXT COLLATE "C" NOT NULL REFERENCES calls (id) ON DELETE CASCADE
);
CREATE INDEX aliases_by_call ON aliases (call_id);

-- What a call is found by: numbers (digits), extensions, queues.
CREATE TABLE call_keys (
    kind TEXT COLLATE "C" NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    started BIGINT NOT NULL,
    call_id TEXT COLLATE "C" NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, word, started, call_id)
);
CREATE INDEX call_keys_by_call ON call_keys (call_id, kind, word);

-- Every tail of every number, so that any part of a number is the beginning of a row here.
CREATE TABLE number_parts (
    part TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (part, number)
);
CREATE INDEX number_parts_by_number ON number_parts (number);

CREATE TABLE cdr_cursors (
    pbx TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    place TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (pbx, source)
);

CREATE TABLE missed_items (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    pbx TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C",
    digits TEXT COLLATE "C",
    name TEXT COLLATE "C",
    line TEXT COLLATE "C",
    queue TEXT COLLATE "C",
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    call_id TEXT COLLATE "C" NOT NULL,
    closed_at BIGINT,
    closed_by_extension TEXT COLLATE "C",
    closed_by_user TEXT COLLATE "C",
    closed_by_call TEXT COLLATE "C"
);
CREATE INDEX missed_items_open ON missed_items (last_at) WHERE closed_at IS NULL;
CREATE INDEX missed_items_closed ON missed_items (closed_at);
CREATE INDEX missed_items_by_number ON missed_items (digits, last_at);

CREATE TABLE misses (
    call_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
    item TEXT COLLATE "C" NOT NULL REFERENCES missed_items (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    number TEXT COLLATE "C",
    name TEXT COLLATE "C",
    line TEXT COLLATE "C",
    queue TEXT COLLATE "C"
);
CREATE INDEX misses_by_item ON misses (item, at);

CREATE TABLE subscriptions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    url TEXT COLLATE "C" NOT NULL,
    secret TEXT COLLATE "C" NOT NULL,
    events TEXT COLLATE "C" NOT NULL,
    active BIGINT NOT NULL,
    dropped BIGINT NOT NULL
);

CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    subscription TEXT COLLATE "C" NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    event TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT COLLATE "C",
    dead BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (dead, due_at);
CREATE INDEX outbox_by_subscription ON outbox (subscription, dead, id);

CREATE TABLE settings (
    name TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    changed_by TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE requests (
    who TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C",
    at BIGINT NOT NULL,
    PRIMARY KEY (who, request_id)
);
CREATE INDEX requests_by_time ON requests (at);
