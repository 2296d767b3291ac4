"""Webhooks as somebody else receives them: verified by the scheme's own library and by our example, amid receivers
that fail in every way; what came is what the feed says."""

import os
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from http.server import ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "docs", "examples"))

import webhooks  # noqa: E402
from _shop import Shop, same, until  # noqa: E402
from standardwebhooks.webhooks import Webhook, WebhookVerificationError  # noqa: E402

ADMIN = "/v1/admin/webhook-endpoints"
# By the path that they came to: headers and body of each message.
came = defaultdict(list)
acted = []


class Moody(webhooks.Receiver):
    """The example, where the path is /well; elsewhere in a mood."""

    def do_POST(self):
        mood = self.path.strip("/")
        if mood == "well":
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            came[mood].append((dict(self.headers.items()), body))
            self.rfile = Again(body)
            return super().do_POST()
        body = self.rfile.read(int(self.headers["content-length"]))
        came[mood].append((dict(self.headers.items()), body))
        if mood == "dead":
            # Until who tells has lost patience and hangs up.
            self.rfile.read(1)
        elif mood == "endless":
            self.send_response(500)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        elif mood == "moved":
            self.send_response(307)
            self.send_header("location", "/well")
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            self.answer({"gone": 410, "flaky": 500 if len(came[mood]) < 2 else 200}[mood])

    def act(self, message):
        acted.append(message)


class Again:
    """What was read already."""

    def __init__(self, body):
        self.body = body

    def read(self, _):
        return self.body


def ids(mood):
    return [headers["webhook-id"] for headers, _ in came[mood]]


def verified(secret, mood):
    """The messages that came there, each believed by the library, and by no other secret."""
    messages = []
    for headers, body in came[mood]:
        messages.append(Webhook(secret).verify(body, headers))
        for secret_, body_ in (("whsec_" + "AAAA" * 8, body), (secret, body + b" ")):
            try:
                Webhook(secret_).verify(body_, headers)
            except WebhookVerificationError:
                continue
            raise SystemExit(f"believed without reason: {headers}")
    return messages


def check(shop, server):
    here = f"http://127.0.0.1:{server.server_port}"

    def admin(method, path, body=None):
        return shop.ask(method, ADMIN + path, body, shop.admin)

    def endpoint(mood, events=("order.paid",), url=None):
        return admin("POST", "", {"url": url or f"{here}/{mood}", "events": list(events), "label": mood})

    def look(made, tries):
        rows = admin("GET", f"/{made['id']}/deliveries")["data"]
        return rows and rows[-1]["attempts"] >= tries and rows[-1]

    well = endpoint("well", events=())
    Moody.secret = well["secret"]
    moods = {mood: endpoint(mood) for mood in ("dead", "endless", "moved", "gone", "flaky")}
    private = endpoint("private", url="https://169.254.169.254/latest")
    named = endpoint("named", url="https://nothing.invalid/")

    begin = shop.ask("GET", "/v1/events?limit=100", token=shop.admin)
    while begin["more"]:
        begin = shop.ask("GET", f"/v1/events?limit=100&after={begin['next']}", token=shop.admin)
    ada = shop.buyer("ada@webhooks.example")
    order = shop.buy("reading-the-tide", ada)
    shop.refused("POST", "/v1/orders/ord_0000000000001/confirm", None, ada, "nothing")
    started = time.monotonic()
    until("the payment is told", lambda: any(m["type"] == "order.paid" for m in acted))
    if time.monotonic() - started > 10:
        raise SystemExit("who is dead delays who is well")
    messages = verified(well["secret"], "well")
    paid = next(message for message in messages if message["type"] == "order.paid")
    same("what is told", (paid["data"]["id"], paid["data"]["state"]), (order["id"], "paid"))

    def feed(token, after=""):
        return shop.ask("GET", f"/v1/events?limit=100{after}", token=token)["data"]

    told = [event["id"] for event in feed(shop.admin, f"&after={begin['next']}")]
    until("everything is told", lambda: set(ids("well")) == set(told))
    same("each once", len(ids("well")), len(told))
    own = [event["id"] for event in feed(ada)]
    same("what is the buyer's own", set(own), set(told))

    # Failures of all kinds, each in the log.
    for made, status, words in (
        (moods["moved"], 307, ""),
        (moods["endless"], 500, "xxx"),
        (private, None, "not public"),
        (named, None, ""),
    ):
        row = until(f"{made['label']} is tried", lambda: look(made, 1))
        if row["state"] != "pending" or row["status"] != status or words not in row["answer"]:
            raise SystemExit(f"{made['label']}: {row}")
    gone = moods["gone"]
    until("who is gone is disabled", lambda: admin("GET", f"/{gone['id']}")["disabled"] == "gone")
    same("who is gone", look(gone, 1)["state"], "failed")
    until("the dead one is given up on", lambda: look(moods["dead"], 1))

    # Tried again, the same message, until it arrives.
    flaky = moods["flaky"]
    until("it arrives at last", lambda: (row := look(flaky, 2)) and row["state"] == "delivered")
    same("the same message", ids("flaky"), [paid["data"]["event"]] * 2)
    same("the same words", verified(flaky["secret"], "flaky"), [paid] * 2)

    # Replayed: the same ids, so that who has acted does not act again.
    replayed = admin("POST", f"/{well['id']}/replay", {"since": paid["timestamp"]})
    if replayed["events"] < 1:
        raise SystemExit(f"nothing to replay: {replayed}")
    until("it is told again", lambda: ids("well").count(paid["data"]["event"]) == 2)
    until("the server knows that it came", lambda: all(
        row["state"] == "delivered" for row in admin("GET", f"/{well['id']}/deliveries?limit=100")["data"]
    ))
    verified(well["secret"], "well")
    events = [message["data"]["event"] for message in acted]
    same("nobody acts twice", len(events), len(set(events)))


def counted(shop):
    """Every outcome is counted."""
    request = urllib.request.Request(f"{shop.url}/metrics")
    request.add_header("Authorization", f"Bearer {shop.admin}")
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    for outcome in ("delivered", "delayed", "failed"):
        if f'scrip_webhook_deliveries_total{{outcome="{outcome}"}}' not in text:
            raise SystemExit(f"{outcome} is not counted: {text}")


def rotate(shop, server):
    """After a rotation two secrets sign."""
    made = shop.ask("POST", ADMIN, {"url": f"http://127.0.0.1:{server.server_port}/well"}, shop.admin)
    rotated = shop.ask("POST", f"{ADMIN}/{made['id']}/rotate", None, shop.admin)
    came.clear()
    Moody.secret = rotated["secret"]
    shop.ask("POST", f"{ADMIN}/{made['id']}/test", None, shop.admin)
    # Other messages may come before it: of what was committed, but not published yet, when the endpoint was made.
    until("the test is acted on", lambda: any(message["type"] == "webhook.test" for message in acted))
    for secret in (made["secret"], rotated["secret"]):
        message = next(one for one in verified(secret, "well") if one["type"] == "webhook.test")
        same("the test", message["data"]["id"], made["id"])
    shop.ask("DELETE", f"{ADMIN}/{made['id']}", None, shop.admin)


server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
# Who is dead or endless writes to nobody.
server.handle_error = lambda *_: None
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
with Shop() as shop:
    rotate(shop, server)
    came.clear()
    acted.clear()
    check(shop, server)
    counted(shop)
print(f"{sum(map(len, came.values()))} messages came, {len(acted)} were acted on")
