"""A small receiver of Scrip's webhooks: python3 webhooks.py PORT SECRET. It needs nothing but Python.

It believes what is signed with the secret and not old, acts on each message once, and answers quickly. In demo mode
an endpoint may be http://127.0.0.1:PORT/; elsewhere put a server with TLS before it.
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


class Receiver(BaseHTTPRequestHandler):
    secret = None
    # A real one keeps these where it keeps what it does: a message may come again after weeks.
    seen = set()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        id, timestamp = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        given = self.headers.get("webhook-signature", "").split()
        right = sign(self.secret, id, timestamp, body)
        fresh = timestamp.isdecimal() and abs(time.time() - int(timestamp)) <= TOLERANCE
        # After a rotation there are two signatures: one is enough.
        if not fresh or not any(hmac.compare_digest(one, right) for one in given):
            return self.answer(401)
        if id not in self.seen:
            self.seen.add(id)
            self.act(json.loads(body))
        self.answer(204)

    def act(self, message):
        print(message["type"], message["data"], flush=True)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Receiver.secret = sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
