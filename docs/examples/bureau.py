"""A small bureau for trying Scrip's: python3 bureau.py PORT SECRET_FILE. It needs nothing but Python.

Its opinion goes by the amount of tokens, in smallest units, so that every case can be tried:
below 1000 it approves, below 2000 it wants a person to look, else it declines.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds


def sign(secret, id, timestamp, body):
    """The signature of a message by the Standard Webhooks scheme."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def opinion(question):
    """What this bureau thinks: the answer as the schema has it."""
    amount = question["tokens"]["amount"]
    status, score = ("approved", 10) if amount < 1000 else ("review", 50) if amount < 2000 else ("declined", 90)
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    return {
        "assessment": question["assessment"],
        "status": status,
        "score": score,
        "reasons": [f"amount_{status}"],
        "valid_until": tomorrow,
        "reference": f"R-{question['top_up']}",
    }


class Bureau(BaseHTTPRequestHandler):
    secret = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        id, timestamp = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        given = self.headers.get("webhook-signature", "").split()
        right = sign(self.secret, id, timestamp, body)
        fresh = timestamp.isdecimal() and abs(time.time() - int(timestamp)) <= TOLERANCE
        if not fresh or not any(hmac.compare_digest(one, right) for one in given):
            return self.answer(401, {}, b'{"error":"not signed with our secret, or not now"}')
        self.respond(id, json.loads(body))

    def respond(self, id, question):
        body = json.dumps(opinion(question)).encode()
        timestamp = str(int(time.time()))
        signature = sign(self.secret, id, timestamp, body)
        signed = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
        self.answer(200, signed, body)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port, path = sys.argv[1:]
    with open(path) as file:
        Bureau.secret = file.read().strip()
    print(f"the bureau listens on http://127.0.0.1:{port}/", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Bureau).serve_forever()
