// A stand-in for `sidetone-server`, for development of the pages alone: no test of the product is proven with it.
// It serves dist-web with the server's CSP, says hello, and plays a firm with a few running calls.
//   node e2e/pretend-server.js [--extensions 12] [--storm CHANGES_PER_SECOND] [--port 0] [--scene busy|away|quiet]
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const option = (name, otherwise) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : process.argv[at + 1];
};
const COUNT = Number(option("extensions", "12"));
const STORM = Number(option("storm", "0"));
const SCENE = option("scene", "busy");
const TOKEN = "pretend";
const dist = fileURLToPath(new URL("../dist-web", import.meta.url));
const CSP = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'";
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };

const first = ["Anna", "Boris", "Chen", "Dana", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Katja", "Liam"];
const last = [
    "Petrova",
    "Orlov",
    "Wei",
    "Levi",
    "Kaya",
    "Haddad",
    "Hopper",
    "Weber",
    "Costa",
    "Meyer",
    "Novak",
    "Byrne",
];
const groups = ["Sales", "Support", "Accounts", "Warehouse", "Management"];
const now = () => Date.now();
const party = (number, name) => ({ number, name });
const person = (name, over) => ({
    name,
    company: null,
    note: null,
    source: "Tryton",
    record: { source: "tryton", kind: "party", id: name },
    email: null,
    numbers: [],
    owner: null,
    url: null,
    facts: [],
    likely: false,
    ...over,
});
const lovelace = person("Ada Lovelace", {
    company: "Analytical Engines Ltd",
    email: "ada@example.com",
    owner: "Boris Orlov",
    url: "https://crm.example.com/#party/7",
    numbers: ["+44 20 7946 0958", "+44 7700 900123"],
    facts: [
        { label: "Deal", value: "Difference Engine No. 2 · £17,000 · offer sent", url: "https://crm.example.com/#3" },
        { label: "Last call", value: "yesterday 14:10, Boris: “wants a quote by Friday”", url: null },
    ],
});
const contacts = [
    lovelace,
    person("Charles Babbage", { company: "Analytical Engines Ltd", numbers: ["+44 20 7946 0991"] }),
    person("Мария Иванова", { source: "contacts.vcf", email: "maria@example.com" }),
];
const report = (source, took_ms, over) => ({ source, state: "found", people: 1, took_ms, cached: false, ...over });
const ada = { found: "one", person: lovelace };
const field = (name, title, kind, over) => ({
    name,
    title: { en: title },
    help: {},
    kind,
    required: false,
    value: "",
    is_stored: false,
    options: [],
    ...over,
});
const fields = (url) => [
    field("base_url", "Address", "url", { required: true, value: url, help: { en: "As in the browser." } }),
    field("database", "Database", "text", { value: url && "firm" }),
    field("api_key", "API key", "secret", { required: true, is_stored: url !== "" }),
];
const kinds = ["amoCRM / Kommo", "CardDAV", "HubSpot", "LDAP or Active Directory", "Odoo 19", "Tryton"].map((title) => ({
    file: title.toLowerCase().split(" ")[0],
    title,
    fields: fields(""),
    trouble: [],
}));
const connector = (id, title, state, over) => ({
    id,
    file: id,
    title,
    enabled: true,
    fields: fields("https://crm.example.com"),
    state,
    set_by: null,
    not_kept: null,
    ...over,
});
const connected = [
    connector("tryton", "Tryton", { state: "works", took_ms: 84, at: Date.now() - 60_000 }),
    connector("odoo", "Odoo 19", { state: "trouble", words: "Odoo refuses the key (401: “Access Denied”)." }),
    connector("erp", "Our ERP", { state: "ready" }, { set_by: "server.toml" }),
];
const lampCall = (over) => ({
    call: "x1",
    direction: "incoming",
    state: "talking",
    party: party("+44 20 7946 0958", "Ada Lovelace"),
    line: null,
    since: now() - 252_000,
    ...over,
});

function extension(i) {
    const number = String(COUNT > 800 ? 1000 + i : 101 + i);
    const name = `${first[i % 12]} ${last[(i + Math.floor(i / 12)) % 12]}${i >= 144 ? ` ${Math.floor(i / 144) + 1}` : ""}`;
    const base = {
        extension: number,
        pbx: "main",
        name,
        groups: [groups[i % 5]],
        lamp: "idle",
        since: now() - 60_000,
        do_not_disturb: false,
        presence: null,
        calls: [],
        certain: SCENE !== "away",
    };
    switch (i % 12) {
        case 2:
            return { ...base, lamp: "in_use", calls: [lampCall()] };
        case 3:
            return {
                ...base,
                lamp: "ringing",
                calls: [
                    lampCall({
                        call: `r${i}`,
                        state: "ringing",
                        line: "Sales line",
                        since: now() - 6_000,
                        party: party("+1 212 555 0100", null),
                    }),
                ],
            };
        case 4:
            return { ...base, do_not_disturb: true };
        case 5:
            return { ...base, lamp: "unavailable" };
        case 6:
            return {
                ...base,
                lamp: "in_use_ringing",
                calls: [
                    lampCall({ state: "ringing", party: party("+49 30 9018 2200", null) }),
                    lampCall({ direction: "outgoing" }),
                ],
            };
        case 7:
            return { ...base, lamp: "on_hold", calls: [lampCall({ state: "held" })] };
        case 8:
            return { ...base, presence: { status: "away", message: "lunch until 13:00" } };
        case 9:
            return { ...base, lamp: "busy" };
        case 10:
            return { ...base, name: "", lamp: "unknown", groups: [] };
        default:
            return base;
    }
}

const me = {
    user: "u1",
    login: "anna",
    name: "Anna Petrova",
    role: "admin",
    pbx: "main",
    extension: COUNT > 800 ? "1000" : "101",
    rights: {
        dial: true,
        see_calls: true,
        see_numbers: true,
        see_log: true,
        export_log: true,
        administer: true,
        lacking: [["hold", "This phone system cannot put a desk phone on hold; use the phone's own key."]],
    },
    dial_plan: {
        country: "DE",
        area_code: "30",
        outside_prefix: "0",
        international_prefix: "",
        national_prefix: "",
        internal_length: { min: 3, max: 4 },
        send_as: "national",
        rules: [
            { prefix: "+49900", action: { refuse: { reason: "premium numbers are not called from here" } } },
            { prefix: "+7495", action: { replace: { with: "8495" } } },
        ],
    },
};
const ownCall = (over) => ({
    id: "c1",
    direction: "incoming",
    internal: false,
    mine: "up",
    state: "talking",
    party: party("+44 20 7946 0958", "LOVELACE A"),
    call_back: "+442079460958",
    people: ada,
    sources: [report("Tryton", 84), report("Odoo", null, { state: "asking" })],
    remembered: null,
    line: "Sales line",
    since: now() - 95_000,
    answered: now() - 83_000,
    ended: null,
    dial: null,
    event_read_us: now() * 1000,
    ...over,
});
const facts = new Map();
const put = (fact) =>
    fact.value === null ? facts.delete(`${fact.fact} ${fact.key}`) : facts.set(`${fact.fact} ${fact.key ?? ""}`, fact);
put({ fact: "me", value: me });
put({
    fact: "phone",
    value: { registered: true, in_use: SCENE === "busy", ringing: false, busy: false, on_hold: false },
});
put({
    fact: "pbx",
    key: "main",
    value:
        SCENE === "away"
            ? {
                  line: "away",
                  words: "The phone system does not answer since 09:12. Calls on the phones go on.",
                  retry_at: now() + 12_000,
              }
            : { line: "up", version: "Asterisk 22", lag_ms: 4, since: now() - 3_600_000 },
});
for (let i = 0; i < COUNT; i++) {
    const value = extension(i);
    put({ fact: "extension", key: `${value.extension}@main`, value });
}
const member = (extension, name, over) => ({
    extension,
    name,
    membership: "dynamic",
    paused: false,
    paused_reason: null,
    in_call: false,
    lamp: "idle",
    calls_taken: 3,
    ...over,
});
if (SCENE !== "quiet") {
    put({
        fact: "queue",
        key: "Sales@main",
        value: {
            queue: "Sales",
            pbx: "main",
            strategy: "ringall",
            completed: 12,
            abandoned: 1,
            hold_time_s: 14,
            certain: true,
            waiting: [
                { call: "w1", party: party("+1 212 555 0100", null), since: now() - 80_000 },
                { call: "w2", party: party(null, null), since: now() - 20_000 },
            ],
            members: [
                member(me.extension, "Anna"),
                member("102", "Boris"),
                member("103", "Chen", { in_call: true, lamp: "in_use" }),
            ],
        },
    });
    put({
        fact: "queue",
        key: "Support@main",
        value: {
            queue: "Support",
            pbx: "main",
            strategy: null,
            completed: 0,
            abandoned: 0,
            hold_time_s: 0,
            certain: true,
            waiting: [],
            members: [member(me.extension, "Anna", { paused: true, paused_reason: "lunch" }), member("105", "Elif")],
        },
    });
    put({
        fact: "parked",
        key: "default/701@main",
        value: {
            lot: "default",
            space: "701",
            pbx: "main",
            call: "p1",
            party: party("+49 30 9018 2200", "Karl Weiss"),
            since: now() - 40_000,
        },
    });
    put({
        fact: "missed",
        key: "m1",
        value: {
            item: "m1",
            pbx: "main",
            party: party("+1 212 555 0142", "Grace Hopper"),
            call_back: "+12125550142",
            line: "Support",
            first_at: now() - 3_000_000,
            last_at: now() - 600_000,
            times: 2,
            closed_by: null,
            closed_at: null,
        },
    });
    put({
        fact: "missed",
        key: "m2",
        value: {
            item: "m2",
            pbx: "main",
            party: party("+7 906 219-50-47", null),
            call_back: "+79062195047",
            line: "Sales",
            first_at: now() - 5_000_000,
            last_at: now() - 5_000_000,
            times: 1,
            closed_by: "Boris Orlov",
            closed_at: now() - 1_000_000,
        },
    });
}
if (SCENE === "busy") put({ fact: "call", key: "c1", value: ownCall() });

const clients = new Set();
let seq = 1;
function tell(...news) {
    seq += 1;
    for (const fact of news) put(fact);
    for (const client of clients) client.send(JSON.stringify({ type: "changes", seq, facts: news }));
}

const explain = (text) => {
    const digits = text.replace(/\D/g, "");
    if (digits === "")
        return {
            display: text,
            dials: null,
            steps: [],
            words: "There is no number in this text.",
            question: null,
            people: { found: "nobody" },
        };
    return {
        display: text,
        dials: digits.length > 4 ? `0${digits}` : digits,
        question: null,
        words: null,
        people: digits.endsWith("0958") ? ada : { found: "nobody" },
        steps: [
            ["as written", text],
            ["digits", digits],
            ["after the outside line “0”", `0${digits}`],
        ],
    };
};

function dial(id, text) {
    const base = {
        id,
        call: null,
        at: now(),
        display: text,
        people: explain(text).people,
        asked_us: now() * 1000,
        sent_us: null,
        queued_us: null,
        phone_rings_us: null,
    };
    const steps = ["queued", "ringing_your_phone", "you_picked_up", "calling", "ringing_there"];
    steps.forEach((step, i) =>
        setTimeout(() => {
            if (facts.get(`dial ${id}`)?.value.step === "ended") return;
            tell({ fact: "dial", key: id, value: { ...base, at: now(), step } });
            const called = facts.get(`extension ${text}@main`)?.value;
            if (called && step === "ringing_there")
                tell({
                    fact: "extension",
                    key: `${text}@main`,
                    value: {
                        ...called,
                        lamp: "ringing",
                        since: now(),
                        calls: [
                            lampCall({ call: id, state: "ringing", party: party(me.extension, me.name), since: now() }),
                        ],
                    },
                });
        }, 150 * i),
    );
}

function answer(id, request) {
    console.log(JSON.stringify({ asked: request }));
    switch (request.request) {
        case "dial":
            dial(id, request.text);
            return { answer: "done" };
        case "cancel": {
            const fact = facts.get(`dial ${request.dial}`);
            if (fact)
                tell({ ...fact, value: { ...fact.value, step: "ended", end: "cancelled", words: "You gave it up." } });
            return { answer: "done" };
        }
        case "explain":
            return { answer: "explained", ...explain(request.text) };
        case "hang_up":
            tell({ fact: "call", key: request.call ?? "c1", value: null });
            return { answer: "done" };
        case "close_missed": {
            const fact = facts.get(`missed ${request.item}`);
            if (fact) tell({ ...fact, value: { ...fact.value, closed_by: me.name, closed_at: now() } });
            return { answer: "done" };
        }
        case "find_people": {
            const text = request.text.toLowerCase();
            const people = contacts.filter((one) => `${one.name} ${one.company}`.toLowerCase().includes(text));
            return { answer: "found", people, sources: [report("Tryton", 84), report("Odoo", 140)] };
        }
        case "person_forms":
            return {
                answer: "forms",
                forms: [{ source: "tryton", title: "Tryton", fields: [field("name", "Name", "text", { required: true })] }],
            };
        case "link_person":
        case "unlink_person": {
            const call = facts.get(`call ${request.call}`);
            const known = contacts.find((one) => one.record.id === request.record?.id);
            const people = known ? { found: "one", person: known } : { found: "nobody" };
            const remembered = known && request.remember !== "no" ? { by: me.name, at: now(), line: null } : null;
            if (call) tell({ ...call, value: { ...call.value, people, remembered } });
            return { answer: "done" };
        }
        case "create_person":
            return { answer: "failed", code: "refused", message: "Tryton says: “The party’s name is taken.”" };
        case "order":
            if (request.order.order === "conference")
                return {
                    answer: "failed",
                    code: "refused",
                    message: "There is no conference room 8000 in this phone system.",
                };
            if (request.order.order === "blind_transfer") tell({ fact: "call", key: request.call, value: null });
            return { answer: "done" };
        default:
            return { answer: "people", people: { found: "nobody" } };
    }
}

const log = (i) => ({
    id: `l${i}`,
    pbx: "main",
    direction: ["incoming", "outgoing", "internal"][i % 3],
    caller: party("+44 20 7946 0958", i % 2 ? "Ada Lovelace" : null),
    callee: party("101", "Anna Petrova"),
    dialled: null,
    line: null,
    queue: i % 4 ? null : "Sales",
    started: now() - i * 3_700_000,
    answered: now(),
    ended: now(),
    ring_ms: 6000,
    wait_ms: null,
    talk_ms: i % 3 ? 64_000 : null,
    outcome: ["answered", "missed", "busy"][i % 3],
    words: ["They hung up.", "Nobody answered.", "Busy."][i % 3],
    answered_by: null,
    way: i % 2 ? ["101", "102"] : ["101"],
    legs: [],
    source: "live",
    person:
        i % 3 === 0
            ? { name: "Ada Lovelace", company: "Analytical Engines Ltd", record: lovelace.record, url: lovelace.url }
            : null,
});
const user = (i) => ({
    id: `u${i}`,
    login: first[i % 12].toLowerCase(),
    name: `${first[i % 12]} ${last[i % 12]}`,
    role: ["admin", "agent", "supervisor"][i % 3],
    pbx: "main",
    extension: String(101 + i),
    channel: `PJSIP/${101 + i}`,
    groups: [groups[i % 5]],
    source: i % 2 ? "freepbx" : "admin",
    disabled: i === 5,
    policy: {
        allow: [],
        deny: ["+49900"],
        countries: [],
        hours: "",
        per_minute: 10,
        parallel: 3,
        see_calls: null,
        see_numbers: null,
        see_groups: [],
        create_people: true,
    },
});
const device = (i) => ({
    id: `d${i}`,
    user: `u${i}`,
    user_name: `${first[i]} ${last[i]}`,
    name: ["Firefox on Linux", "Anna's laptop", "Reception"][i % 3],
    platform: "web",
    created: now() - 9e8,
    last_seen: now() - 1e6 * i,
    online: i === 0,
    this: i === 0,
});
const qr = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21" shape-rendering="crispEdges">${Array.from({ length: 200 }, (_, i) => `<path d="M${(i * 7) % 21} ${(i * 11) % 21}h1v1h-1z"/>`).join("")}</svg>`;
const rest = {
    "GET /me": () => me,
    "GET /signin": () => ({ oidc: "Example ID", password: true }),
    "POST /enrol": (body) => (body.code === "GOOD-CODE" ? { token: TOKEN, me } : undefined),
    "GET /calls": () => ({ calls: Array.from({ length: 30 }, (_, i) => log(i)), next: "30" }),
    "GET /calls.csv": () => "when,caller\n",
    "GET /devices": () => [device(0), device(1)],
    "DELETE /devices/d0": () => ({}),
    "GET /admin/devices": () => [0, 1, 2, 3].map(device),
    "GET /admin/users": () => Array.from({ length: 11 }, (_, i) => user(i)),
    "PUT /admin/users/u0": () => user(0),
    "POST /admin/enrolments": () => ({
        code: "7KQF-2M9X-PD4T",
        link: "sidetone://enrol/example",
        qr,
        expires: now() + 86_400_000,
    }),
    "GET /admin/audit": () => ({
        rows: Array.from({ length: 12 }, (_, i) => ({
            at: now() - i * 60_000,
            who: i % 5 ? "anna" : "",
            address: "192.0.2.7",
            action: ["originate", "sign_in", "revoke"][i % 3],
            target: "+44…58",
            outcome: i % 4 ? "done" : "refused: the policy does not allow it",
        })),
        next: null,
    }),
    "GET /admin/health": () => ({
        version: "0.1.0",
        uptime_s: 86_500,
        clients: 14,
        clients_resynced: 2,
        clients_dropped: 0,
        messages_sent: 182_331,
        store: "sqlite",
        store_trouble: null,
        log_waiting: 0,
        webhooks_waiting: 3,
        sources: connected.map(({ id, title, state }) => ({ id, title, state, answers: 1207, errors: 3 })),
        resident_bytes: 48_000_000,
        pbxs: [
            {
                name: "main",
                line: facts.get("pbx main").value,
                events_per_s: 48,
                calls: 7,
                extensions: COUNT,
                records: "its database",
                findings: ["The AMI user lacks “originate”: nobody can dial."],
            },
            {
                name: "branch",
                line: { line: "refused", words: "The phone system refuses this login." },
                events_per_s: 0,
                calls: 0,
                extensions: 0,
                records: null,
                findings: [],
            },
        ],
    }),
    "GET /admin/config": () => ({
        file: "/etc/sidetone/server.toml",
        toml: '[pbx.main]\nhost = "192.0.2.10"\nuser = "sidetone"\nsecret = "…"\n',
    }),
    "POST /admin/check": () => ({
        findings: [
            { passed: true, what: "config", words: "The configuration is understood." },
            { passed: false, what: "pbx main", words: "The AMI user lacks the right “originate”." },
        ],
    }),
    "GET /admin/log": () => ({
        lines: Array.from({ length: 20 }, (_, i) => ({
            at: now() - i * 1000,
            level: ["INFO", "INFO", "WARN"][i % 3],
            words: "client signed in client_id=7 elapsed_ms=3",
        })),
    }),
    "GET /admin/webhooks": () => [
        {
            id: "h1",
            url: "https://crm.example.com/hook",
            events: ["call.ended"],
            active: true,
            waiting: 3,
            last_error: "503 Service Unavailable",
        },
    ],
    "POST /admin/webhooks": () => ({
        id: "h2",
        url: "https://x.example",
        events: [],
        active: true,
        waiting: 0,
        last_error: null,
        secret: "whsec_example",
    }),
    "GET /admin/connectors": () => ({ kinds, connected }),
    "PUT /admin/connectors/tryton": () => ({}),
    "POST /admin/connectors/tryton/test": () => ({
        findings: [
            { passed: true, what: "", words: "crm.example.com answers in 41 ms; its certificate is trusted." },
            { passed: false, what: "Lookup", words: "Tryton says: “The field phone does not exist.”" },
        ],
    }),
    "POST /calls": (body) => (dial(body.id, body.to), {}),
};

const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    response.setHeader("content-security-policy", CSP);
    if (!path.startsWith("/api/v1")) {
        const file = join(dist, normalize(path === "/" ? "/index.html" : path));
        if (!file.startsWith(dist) || !existsSync(file)) return response.writeHead(404).end();
        response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
        return createReadStream(file).pipe(response);
    }
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
        const json = (status, value) =>
            response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
        const route = `${request.method} ${path.slice(7)}`;
        const open = /\/(signin|enrol)/.test(route) || request.headers.authorization === `Bearer ${TOKEN}`;
        if (!open)
            return json(401, { code: "unauthenticated", message: "This device is not known any more. Sign in again." });
        const value = rest[route]?.(body ? JSON.parse(body) : undefined);
        if (value === undefined)
            return json(404, {
                code: "not_found",
                message: route.includes("enrol")
                    ? "This code is unknown or was used already. Ask for a new one."
                    : "There is no such thing.",
            });
        json(200, value);
    });
});
new WebSocketServer({ server, path: "/api/v1/socket" }).on("connection", (socket) => {
    socket.on("message", (data) => {
        const message = JSON.parse(data);
        const say = (value) => socket.send(JSON.stringify(value));
        const snapshot = () => say({ type: "snapshot", seq, facts: [...facts.values()] });
        switch (message.type) {
            case "hello":
                if (message.token !== TOKEN)
                    return say({
                        type: "goodbye",
                        code: "unauthenticated",
                        message: "This device is not known any more. Sign in again.",
                    });
                say({ type: "welcome", version: 1, server: "pretend 0", me, now: now() });
                snapshot();
                clients.add(socket);
                return;
            case "ping":
                return say({ type: "pong", n: message.n });
            case "request":
                return say({ type: "reply", id: message.id, ...answer(message.id, message.request) });
            default:
                return snapshot();
        }
    });
    socket.on("close", () => clients.delete(socket));
});

if (STORM > 0) {
    const lamps = ["idle", "ringing", "in_use", "unavailable", "on_hold"];
    const keys = [...facts.values()].filter((fact) => fact.fact === "extension").map((fact) => fact.key);
    let turn = 0;
    let sent = 0;
    const began = performance.now();
    setInterval(() => {
        // As many messages as changes: the worst that a server does.
        for (const due = ((performance.now() - began) / 1000) * STORM; sent < due; sent++) {
            const key = keys[(turn = (turn + 7) % keys.length)];
            const { value } = facts.get(`extension ${key}`);
            tell({
                fact: "extension",
                key,
                value: { ...value, lamp: lamps[(lamps.indexOf(value.lamp) + 1) % 5], since: now(), calls: [] },
            });
        }
    }, 4);
}

// A line on stdin is a fact to tell.
process.stdin.on("data", (data) => {
    for (const line of String(data).split("\n").filter(Boolean)) tell(JSON.parse(line));
});
server.listen(Number(option("port", "0")), "127.0.0.1", () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/`, token: TOKEN }));
});
