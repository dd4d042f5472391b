"""A portal of Bitrix24 as its REST interface shows it to an incoming webhook, over TLS, with a CRM in memory.

What a method takes, and what it answers where nothing better is known, comes from the specifications in `spec`.
It is told what to do by lines of JSON on standard input, and answers each with a line; it ends with its input.
"""

import json
import pathlib
import re
import ssl
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

PAGE = 50
BATCH = 50
KINDS = ("LEAD", "CONTACT", "COMPANY")
# The specifications call these texts; the portal and both SDKs have objects there.
NOT_TEXTS = {("user.get", "FILTER"), ("crm.activity.add", "fields")}
# These want an application, not a webhook.
APPLICATION_ONLY = ("telephony.externalcall.register", "telephony.externalcall.finish", "event.bind")


class Refused(Exception):
    """An error as Bitrix24 words it."""

    def __init__(self, status, code, words):
        super().__init__(words)
        self.status, self.code, self.words = status, code, words

    def body(self):
        return {"error": self.code, "error_description": self.words}


def normal(phone):
    """The number as the portal's search sees it: no punctuation, no extension, 8 for 7 where it is a long one.

    A number without its country stays one: the real search misses it too.
    """
    digits = re.sub(r"\D", "", re.split(r"[,;#a-zA-Zа-яА-Я]", str(phone))[0])
    return "7" + digits[1:] if len(digits) == 11 and digits[0] == "8" else digits


def php(pairs):
    """`filter[PHONE]=1&select[]=ID`, nested as PHP nests it."""
    root = {}
    for key, value in pairs:
        head, *rest = re.findall(r"^[^\[]+|\[[^\]]*\]", key)
        at, name = root, head
        for part in (part[1:-1] for part in rest):
            at = at.setdefault(name, {})
            name = part if part else str(len(at))
        at[name] = value
    return lists(root)


def lists(value):
    """PHP has no lists: a map of 0, 1, 2 is one."""
    if not isinstance(value, dict):
        return value
    inner = {key: lists(part) for key, part in value.items()}
    if inner and list(inner) == [str(at) for at in range(len(inner))]:
        return list(inner.values())
    return inner


def as_php_map(results):
    """How PHP writes a map as JSON: an empty one, and one of 0, 1, 2, is a list."""
    if all(key == str(at) for at, key in enumerate(results)):
        return list(results.values())
    return results


class Portal:
    def __init__(self, folder, webhook):
        self.webhook = webhook
        files = (folder / "spec").glob("*.json")
        specs = (json.loads(file.read_text("utf-8")) for file in files)
        self.specs = {spec["method"].lower(): spec for spec in specs}
        self.lock = threading.Lock()
        self.asked = []
        # Refusals to come: status, code, words, of which method (or of all), how many times.
        self.trouble = []
        self.rows = {kind: {} for kind in (*KINDS, "DEAL", "ACTIVITY", "COMMENT", "USER")}
        self.next_id = 1

    # the HTTP side

    def request(self, path, query, body):
        """One request: what the webhook of a firm gets, with the status."""
        started = time.time()
        try:
            method, given = self.routed(path, query, body)
            with self.lock:
                self.asked.append({"method": method, "params": given})
                self.meet_trouble(method)
                answer = self.batch(given) if method == "batch" else self.call(method, given)
            answer["time"] = timed(started)
            return 200, answer
        except Refused as refused:
            return refused.status, refused.body()

    def routed(self, path, query, body):
        parts = path.strip("/").split("/")
        if not parts or parts[0] != "rest":
            raise Refused(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if "/".join(parts[1:3]) != self.webhook:
            words = "Invalid request credentials"
            raise Refused(401, "INVALID_CREDENTIALS" if len(parts) > 3 else "NO_AUTH_FOUND", words)
        method = re.sub(r"\.json$", "", ".".join(parts[3:])).lower()
        return method, {**query, **body}

    def call(self, method, given):
        """One method: `{"result": …}`, for lists with `total` and `next`."""
        spec = self.specs.get(method)
        if spec is None:
            raise Refused(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if method in APPLICATION_ONLY:
            raise Refused(403, "WRONG_AUTH_TYPE", "Current authorization type is denied for this method")
        given = checked(spec, given)
        own = {
            "telephony.externalcall.searchcrmentities": self.search_crm_entities,
            "crm.duplicate.findbycomm": self.find_by_comm,
            "user.get": lambda given: self.list("USER", given.get("FILTER"), given),
        }.get(method)
        if own:
            return own(given)
        return self.of_kind(method, given) or {"result": spec["resultExample"]["result"]}

    def of_kind(self, method, given):
        """`crm.contact.list` and the like."""
        name = {"crm.timeline.comment.add": "crm.comment.add"}.get(method, method).split(".")
        if len(name) != 3 or name[0] != "crm" or name[1].upper() not in self.rows:
            return None
        kind, verb = name[1].upper(), name[2]
        if verb == "add":
            return {"result": self.add(kind, given.get("fields") or {})}
        if verb == "list":
            return self.list(kind, given.get("filter"), given)
        row = self.rows[kind].get(str(given.get("id")))
        if row is None:
            raise Refused(400, "", "Not found")
        if verb == "update":
            row.update(given.get("fields") or {})
            return {"result": True}
        return {"result": row}

    def meet_trouble(self, method):
        for trouble in self.trouble:
            if trouble["method"] in (None, method) and trouble["times"] > 0:
                trouble["times"] -= 1
                raise Refused(trouble["status"], trouble["code"], trouble["words"])

    def batch(self, given):
        """Up to fifty methods; a later one may use what an earlier one answered."""
        commands = given.get("cmd") or {}
        if isinstance(commands, list):
            commands = {str(at): command for at, command in enumerate(commands)}
        if len(commands) > BATCH:
            raise Refused(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        parts = {name: {} for name in ("result", "result_error", "result_total", "result_next", "result_time")}
        for key, command in commands.items():
            if not self.step(key, command, parts) and str(given.get("halt", 0)) in ("1", "True", "true"):
                break
        return {"result": {name: as_php_map(part) for name, part in parts.items()}}

    def step(self, key, command, parts):
        """One command of a batch; whether it succeeded."""
        started = time.time()
        method, _, query = command.partition("?")
        method = method.lower()
        given = referred(php(parse_qsl(query, keep_blank_values=True)), parts["result"])
        try:
            if method == "batch":
                raise Refused(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
            self.meet_trouble(method)
            answer = self.call(method, given)
        except Refused as refused:
            parts["result_error"][key] = refused.body()
            return False
        parts["result"][key] = answer["result"]
        parts["result_time"][key] = timed(started)
        for name in ("total", "next"):
            if name in answer:
                parts["result_" + name][key] = answer[name]
        return True

    # the CRM

    def add(self, kind, fields):
        number = self.next_id
        self.next_id += 1
        # Numbers of records are texts when they are read.
        self.rows[kind][str(number)] = {"ID": str(number), "ASSIGNED_BY_ID": "1", **fields}
        return number

    def with_phone(self, kind, phone):
        wanted = normal(phone)
        rows = self.rows[kind].values()
        return [row for row in rows if any(normal(each["VALUE"]) == wanted for each in row.get("PHONE", []))]

    def search_crm_entities(self, given):
        if not normal(given["PHONE_NUMBER"]):
            raise Refused(400, "ERROR_CORE", "PHONE_NUMBER is empty")
        found = [(kind, row) for kind in ("CONTACT", "COMPANY", "LEAD") for row in self.with_phone(kind, given["PHONE_NUMBER"])]
        return {"result": [self.entity(kind, row) for kind, row in found]}

    def entity(self, kind, row):
        user = self.rows["USER"].get(str(row["ASSIGNED_BY_ID"]), {})
        phones = ("USER_PHONE_INNER", "WORK_PHONE", "PERSONAL_PHONE", "PERSONAL_MOBILE")
        return {
            "CRM_ENTITY_TYPE": kind,
            "CRM_ENTITY_ID": int(row["ID"]),
            "ASSIGNED_BY_ID": int(row["ASSIGNED_BY_ID"]),
            "NAME": row.get("TITLE") or f'{row.get("NAME", "")} {row.get("LAST_NAME", "")}'.strip(),
            "ASSIGNED_BY": {
                "ID": str(row["ASSIGNED_BY_ID"]),
                "TIMEMAN_STATUS": "CLOSED",
                **{phone: user.get(phone.replace("USER_PHONE", "UF_PHONE")) for phone in phones},
            },
        }

    def find_by_comm(self, given):
        values, kinds = given["values"], [given.get("entity_type")] if given.get("entity_type") else KINDS
        if given["type"] != "PHONE":
            raise Refused(400, "", "Communication type is not defined")
        if len(values) > 20:
            raise Refused(400, "", "Too many values")
        found = {}
        for kind in kinds:
            rows = [row for value in values for row in self.with_phone(kind, value)]
            numbers = sorted({int(row["ID"]) for row in rows})
            if numbers:
                found[kind] = numbers
        return {"result": as_php_map(found)}

    def list(self, kind, wanted, given):
        rows = [row for row in self.rows[kind].values() if all(fits(row, *want) for want in (wanted or {}).items())]
        order = given.get("order")
        if isinstance(order, dict) and str(order.get("ID", "ASC")).upper() == "DESC":
            rows.reverse()
        start = int(given.get("start") or 0)
        answer = {"result": [selected(row, given.get("select")) for row in rows[max(start, 0) :][:PAGE]]}
        # -1: nobody counts, the reader goes on behind the last ID.
        if start >= 0:
            answer["total"] = len(rows)
            if start + PAGE < len(rows):
                answer["next"] = start + PAGE
        return answer

    # the test's side

    def told(self, order):
        match order["do"]:
            case "call":
                with self.lock:
                    return self.call(order["method"].lower(), order["params"])
            case "add_user":
                return {"result": self.add("USER", {"ACTIVE": True, **order["fields"]})}
            case "trouble":
                self.trouble.append({name: order[name] for name in ("status", "code", "words", "method", "times")})
                return {"result": True}
            case "asked":
                with self.lock:
                    asked, self.asked = self.asked, []
                return {"result": asked}


def selected(row, names):
    """Multiple fields such as PHONE come only when they are asked for by name."""
    wanted = [name for name in names or ["*"] if name != "*"]
    with_all = not names or "*" in names
    simple = {name: value for name, value in row.items() if with_all and not isinstance(value, list)}
    return {**simple, **{name: row[name] for name in wanted if name in row}, "ID": row["ID"]}


def fits(row, name, value):
    """One entry of a filter: `ID`, `>ID`, `@ID`, and `PHONE`, which is compared as it was typed."""
    operator, field = re.match(r"([<>=@!%]*)(.*)", name).groups()
    have = row.get(field)
    if field == "PHONE":
        return any(each["VALUE"] == value for each in have or [])
    match operator:
        case ">":
            return int(have) > int(value or 0)
        case "<":
            return int(have) < int(value or 0)
        case "@" if isinstance(value, list):
            return str(have) in map(str, value)
        case "!":
            return str(have) != str(value)
        case "%":
            return str(value).lower() in str(have).lower()
    if isinstance(value, list):
        return str(have) in map(str, value)
    truth = {"true": True, "1": True, "y": True, "false": False, "0": False, "n": False}
    return truth.get(str(value).lower()) == have if isinstance(have, bool) else str(have) == str(value)


def checked(spec, given):
    """What the method gets, under the names of its specification."""
    by_name = {name.lower(): value for name, value in given.items()}
    taken = {}
    for param in spec["params"]:
        name, value = param["name"], by_name.get(param["name"].lower())
        if value is None or value == "":
            if param["required"] is True:
                raise Refused(400, "ERROR_ARGUMENT", f"Argument '{name}' is null or empty")
            continue
        if (spec["method"], name) not in NOT_TEXTS:
            check_type(name, param["base"], value)
        taken[name] = value
    return taken


def check_type(name, base, value):
    fine = {
        "integer": lambda: re.fullmatch(r"-?\d+", str(value)) is not None,
        "number": lambda: re.fullmatch(r"-?\d+(\.\d+)?", str(value)) is not None,
        "string": lambda: isinstance(value, (str, int, float)) and not isinstance(value, bool),
        "boolean": lambda: str(value).lower() in ("true", "false", "1", "0", "y", "n"),
        "array": lambda: isinstance(value, (list, dict)),
        # PHP cannot tell an empty map from an empty list.
        "object": lambda: isinstance(value, dict) or value == [],
    }.get(base, lambda: True)
    if not fine():
        raise Refused(400, "ERROR_ARGUMENT", f"Parameter '{name}' must be {base}.")


def referred(value, results):
    """Puts earlier answers in the place of `$result[key][0][ID]`; what is not there is empty, and no error."""
    if isinstance(value, dict):
        return {key: referred(part, results) for key, part in value.items()}
    if isinstance(value, list):
        return [referred(part, results) for part in value]
    reference = re.compile(r"\$result((?:\[[^\]]+\])+)")
    whole = reference.fullmatch(value)
    if whole:
        return reached(results, whole[1])
    return reference.sub(lambda found: str(reached(results, found[1])), value)


def reached(results, path):
    for name in re.findall(r"\[([^\]]+)\]", path):
        if isinstance(results, list):
            results = results[int(name)] if name.isdigit() and int(name) < len(results) else None
        elif isinstance(results, dict):
            results = results.get(name)
        else:
            return ""
    return "" if results is None else results


def timed(started):
    finished = time.time()
    words = [datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds") for at in (started, finished)]
    return {
        "start": started,
        "finish": finished,
        "duration": finished - started,
        "processing": finished - started,
        "date_start": words[0],
        "date_finish": words[1],
        "operating_reset_at": int(finished) + 600,
        "operating": 0,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    portal = None
    is_tls = True

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8")
        try:
            is_json = "json" in self.headers.get("Content-Type", "")
            given = json.loads(body or "{}") if is_json else php(parse_qsl(body, keep_blank_values=True))
        except ValueError:
            given = {}
        # `[]` is how PHP writes no parameters.
        self.answer(given if isinstance(given, dict) else {})

    def answer(self, body):
        path, _, query = self.path.partition("?")
        if self.is_tls:
            status, answer = self.portal.request(path, php(parse_qsl(query, keep_blank_values=True)), body)
        else:
            status, answer = 400, {"error": "INVALID_REQUEST", "error_description": "Https required"}
        text = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        """The test asks what it wants to know."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away, or does not trust us, is its own trouble."""


def main():
    folder, certificate, webhook = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    portal = Portal(folder, webhook)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    for port, is_tls in ((int(sys.argv[4]), True), (int(sys.argv[5]), False)):
        handler = type("PortalHandler", (Handler,), {"portal": portal, "is_tls": is_tls})
        server = Server(("127.0.0.1", port), handler)
        if is_tls:
            # The handshake belongs to the thread of its client.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("{}", flush=True)
    for line in sys.stdin:
        try:
            told = portal.told(json.loads(line))
        except Refused as refused:
            told = refused.body()
        print(json.dumps(told, ensure_ascii=False), flush=True)


main()
