#!/usr/bin/env python3
"""A CRM of two people that keeps the contract of webhook.md. PORT and SECRET are the two arguments."""
import hashlib, hmac, json, re, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT, SECRET = int(sys.argv[1]), sys.argv[2]
PEOPLE = [{"id": "1", "name": "Ivan Ivanov", "company": "Vektor", "phones": ["8 (906) 219-50-47"], "owner": "Anna Agent",
           "url": "https://crm.example/people/1", "facts": [{"label": "Open order", "value": "31, 12 000 RUB"}]},
          {"id": "2", "name": "Olga Other", "phones": ["+7 495 123-00-00"]}]
CALLS = []


def key(number):
    return re.sub(r"\D", "", number)[-10:]


class Crm(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        at = self.headers.get("X-Sidetone-Time", "0")
        signed = "\n".join([at, self.command, url.path, url.query, body.decode()])
        wanted = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        fresh = at.isdigit() and abs(time.time() - int(at)) < 300
        if not fresh or not hmac.compare_digest(wanted, self.headers.get("X-Sidetone-Signature", "")):
            return self.answer(401, {"error": "bad signature, or the clocks differ by more than five minutes"})
        asked, told = parse_qs(url.query), json.loads(body or "{}")
        match self.command, url.path.rsplit("/sidetone", 1)[-1].split("/")[1:]:
            case "GET", ["lookup"]:
                self.answer(200, {"contacts": [p for p in PEOPLE if key(asked["phone"][0]) in map(key, p["phones"])]})
            case "GET", ["find"]:
                self.answer(200, {"contacts": [p for p in PEOPLE if asked["text"][0].lower() in p["name"].lower()]})
            case "GET", ["users"]:
                self.answer(200, {"users": [{"id": "9", "extension": "101", "name": "Anna Agent"}]})
            case "POST", ["contact"]:
                PEOPLE.append({"id": str(len(PEOPLE) + 1), "name": told["name"], "phones": [told["phone"]]})
                self.answer(201, {"id": PEOPLE[-1]["id"]})
            case "POST", ["call" | "note" | "ring"]:
                CALLS.append(told)
                self.answer(201, {"id": str(len(CALLS))})
            case "PATCH", ["call", number] if number.isdigit() and 0 < int(number) <= len(CALLS):
                CALLS[int(number) - 1].update(told)
                self.answer(200, {"id": number})
            case _:
                self.answer(404, {"error": "there is nothing here"})

    do_GET = do_POST = do_PATCH = serve


ThreadingHTTPServer(("127.0.0.1", PORT), Crm).serve_forever()
