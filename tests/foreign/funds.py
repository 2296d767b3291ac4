"""A buyer adds funds in every way, is approved, reviewed and declined, buys, is refunded, and disputes: a whole
server with Stripe's adapter, and localstripe in Stripe's place, on SQLite and on PostgreSQL. Answers are lost,
messages come twice, late, forged or not at all, the server is killed in the middle of a payment, and what was
charged once is credited once."""

import contextlib
import hashlib
import hmac
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pg8000.native

from _shop import Shop, free_port, same, until

SECRET = "whsec_localstripe"
GOOD, DECLINED, DECLINED_AT_ONCE, CHECKED = (
    "4242424242424242",
    "4000000000000341",
    "4000000000000002",
    "4000002500003155",
)


class Stays(urllib.request.HTTPRedirectHandler):
    """Is led nowhere."""

    def redirect_request(self, *_):
        return None


STAYS = urllib.request.build_opener(Stays)


class Bank:
    """localstripe, the proxy before it, and whoever carries its messages."""

    def __enter__(self):
        self.port, self.messages = free_port(), []
        self.log = tempfile.TemporaryFile()
        command = [sys.executable, "-m", "localstripe", "--port", str(self.port), "--from-scratch"]
        quiet = os.environ | {"PYTHONUNBUFFERED": "1"}
        self.fake = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=quiet)
        if not any("Running on" in line for line in self.fake.stdout):
            raise SystemExit("localstripe does not start")
        program = os.path.join(os.path.dirname(os.environ["SCRIP_BIN"]), "examples", "localstripe")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.proxy = subprocess.Popen([program, str(self.port), "between"], bufsize=1, **pipes)
        self.api_base = self.proxy.stdout.readline().strip()
        messages = self.messages

        class Post(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                messages.append((self.headers["stripe-signature"], body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.post = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Post)
        threading.Thread(target=self.post.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.post.server_port}/"
        events = ["payment_intent.succeeded", "payment_intent.payment_failed"]
        self.ask("POST", "/_config/webhooks/scrip", {"url": url, "secret": SECRET, "events[]": events})
        return self

    def __exit__(self, *_):
        self.post.shutdown()
        self.proxy.stdin.close()
        self.proxy.wait()
        self.fake.terminate()
        self.fake.wait()

    def ask(self, method, path, form=None):
        """Straight to localstripe, as a buyer's browser or the bank would."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        request.add_header("Authorization", "Bearer sk_test_direct")
        if form is not None:
            request.data = urllib.parse.urlencode(form, doseq=True).encode()
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    def card(self, number):
        """What the buyer's browser gets for the number of a card."""
        card = {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": 123}
        form = {"type": "card"} | {f"card[{name}]": value for name, value in card.items()}
        return self.ask("POST", "/v1/payment_methods", form)["id"]

    def befall(self, *mishaps):
        """What befalls the next calls of the server, one each."""
        for mishap in mishaps:
            self.proxy.stdin.write(mishap + "\n")
            same(mishap, self.proxy.stdout.readline().strip(), "understood")

    def payment(self, top_up):
        """The one payment that was made for a top-up, if there is one by now."""
        made = self.ask("GET", "/v1/payment_intents?limit=1000")["data"]
        made = [payment for payment in made if payment["metadata"].get("top_up") == top_up]
        if len(made) > 1:
            raise SystemExit(f"{top_up} was charged {len(made)} times")
        return made[0] if made else None

    def message(self, top_up):
        """The bank's message about a top-up, once it has come."""
        payment = self.payment(top_up)["id"].encode()
        return until("a message", lambda: next((m for m in self.messages if payment in m[1]), None))


class Vendor(Shop):
    """A server of our own, which can be killed and started again."""

    def __init__(self, bank, database):
        self.bank, self.database = bank, database

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        home, port = os.path.join(self.folder.name, "shop"), free_port()
        self.config, self.url = os.path.join(home, "scrip.toml"), f"http://127.0.0.1:{port}"
        command = [os.environ["SCRIP_BIN"], "init", home, "--json", "--token-code", "AUR", "--scale", "2"]
        # In demo mode for its clock alone: a lease need not be waited for.
        command += ["--worth", "1 = 1.00 EUR", "--listen", f"127.0.0.1:{port}", "--demo"]
        command += ["--database", self.database] if self.database else []
        made = subprocess.run(command, check=True, capture_output=True, text=True)
        self.admin = json.loads(made.stdout)["admin_key"]
        for name, secret in (("stripe.key", "sk_test_localstripe"), ("stripe.webhook", SECRET)):
            path = os.path.join(home, "keys", name)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secret)
        stripe = {
            "secret_key_file": "keys/stripe.key",
            "webhook_secret_file": "keys/stripe.webhook",
            "publishable_key": "pk_test_localstripe",
            "api_base": self.bank.api_base,
        }
        options = {f"SCRIP_PROCESSOR_STRIPE_{name.upper()}": value for name, value in stripe.items()}
        self.environment = os.environ | options
        self.start()
        return self

    def start(self):
        command = [os.environ["SCRIP_BIN"], "serve", "--config", self.config]
        self.log = open(os.path.join(self.folder.name, "log"), "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self.environment)
        until("the server listens", self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the server ended:\n{self.logged()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(self.url + "/readyz") as ready:
            return ready.status == 200

    def logged(self):
        with open(os.path.join(self.folder.name, "log")) as log:
            return log.read()[-5000:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait()
        if kind is not None:
            print(self.logged())
        self.folder.cleanup()

    def status(self, method, path, body=None, token=None, key=None):
        """The status, and the body if there is one."""
        try:
            said = self.send(method, path, body, token, key)
            return (204, None) if said is None else (200, said)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def hear(self, signature, body):
        """The status of the answer to a message of the bank."""
        request = urllib.request.Request(self.url + "/v1/hooks/stripe", data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        if signature:
            request.add_header("Stripe-Signature", signature)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


    def open(self, request):
        """The answer itself: neither followed where it leads, nor an error where it refuses."""
        try:
            return STAYS.open(request)
        except urllib.error.HTTPError as answer:
            return answer


class Buyer:
    """Somebody with an account, and what must be in the wallet: what came by card, and what came otherwise."""

    def __init__(self, shop):
        body = {"email": "ada@cards.example", "password": "correct horse"}
        self.shop, self.credited, self.otherwise, self.keys = shop, 0, 0, 0
        self.token = shop.ask("POST", "/v1/accounts", body)["token"]

    def ask(self, method, path, body=None):
        self.keys += 1
        return self.shop.ask(method, path, body, self.token, f"key-{self.keys}")

    def top_up(self, units, card=None):
        body = {"pay": {"amount": units, "unit": "EUR"}, "method": "card"}
        return self.ask("POST", "/v1/top-ups", body | ({"payment_method": card} if card else {}))["id"]

    def see(self, top_up, *states):
        """The top-up, once it has come to one of these states."""
        look = lambda: self.ask("GET", f"/v1/top-ups/{top_up}")
        return until(f"{top_up} {states}", lambda: (seen := look())["state"] in states and seen)

    def available(self):
        return self.ask("GET", "/v1/wallet")["available"]["amount"]

    def holds(self, less=0):
        same("the wallet", self.available(), self.credited + self.otherwise - less)

    def was_credited(self, top_up, units):
        same("its end", self.see(top_up, "credited", "failed", "cancelled")["state"], "credited")
        self.credited += units
        self.holds()


def attach(bank, shop, ada):
    card = bank.card(GOOD)
    same("cards", shop.ask("GET", "/v1/vendor")["cards"]["publishable_key"], "pk_test_localstripe")
    keep = lambda card: shop.status("POST", "/v1/payment-methods", {"payment_method": card}, ada.token)
    body = {"tokens": {"amount": 100, "unit": "AUR"}, "method": "card", "payment_method": card}
    same("a card of nobody", shop.status("POST", "/v1/top-ups", body, ada.token, "nobody")[0], 400)
    # The customer's answer is lost, then the card's: after its effect, which a repeat finds.
    for mishaps in (["lost after"], ["answered", "lost before"], ["lost after"]):
        bank.befall(*mishaps)
        status, problem = keep(card)
        same("a lost answer", (status, problem.get("code")), (503, "busy"))
    for _ in range(2):
        status, kept = keep(card)
        same("the card", (kept["id"], kept["last_four"], kept["default"]), (card, "4242", True))
    status, problem = keep(bank.card(DECLINED_AT_ONCE))
    same("a card that its bank declines", (status, problem["code"]), (400, "invalid_field"))
    status, problem = keep(GOOD)
    same("a number", (status, problem["code"]), (400, "invalid_field"))
    others = [keep(bank.card(number))[1]["id"] for number in (DECLINED, CHECKED)]
    same("the cards", [one["id"] for one in ada.ask("GET", "/v1/payment-methods")["data"]], [card, *others])
    print("  a card is attached, though every answer is lost once; a number is refused")
    return [card, *others]


def pay(bank, shop, ada):
    bank.befall("lost before", "lost after")
    top_up = ada.top_up(5000)
    ada.was_credited(top_up, 5000)
    signature, body = bank.message(top_up)
    said = dict(part.split("=", 1) for part in signature.split(","))

    def signed(at):
        code = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={code}"

    same("a message", shop.hear(signature, body), 204)
    same("the same again", shop.hear(signature, body), 204)
    same("late, and again", shop.hear(signed(int(said["t"]) - 200), body), 204)
    same("a replay", shop.hear(signed(int(said["t"]) - 1000), body), 400)
    same("another body", shop.hear(signature, body.replace(b"5000", b"9000")), 400)
    same("no signature", shop.hear(None, body), 400)
    ada.holds()
    print("  a top-up is credited once, whatever its messages do")


def buy(shop, ada, card):
    product = {"slug": "tuning", "kind": "service", "title": "Tuning"}
    shop.ask("POST", "/v1/admin/products", product, shop.admin)
    price = {"amount": 1200, "unit": "AUR"}
    offer = {"price": price, "terms": {"kind": "perpetual"}}
    shop.ask("PUT", "/v1/admin/products/tuning/offers/standard", offer, shop.admin)
    shop.ask("POST", "/v1/admin/products/tuning/publish", token=shop.admin)
    order = shop.buy("tuning", ada.token)
    same("paid from", order["paid_from"]["payment_method"], card)
    ada.holds(less=1200)
    path = f"/v1/admin/orders/{order['id']}/refunds"
    shop.ask("POST", path, {"reason": "funds.py"}, shop.admin, "refund")
    ada.holds()
    print("  an order is paid, says from which card the tokens were, and is given back")


def declined(ada, card):
    top_up = ada.see(ada.top_up(700, card), "failed")
    same("why", top_up["reason"], "generic_decline")
    ada.holds()
    print("  a declined card fails, says why, and charges nothing")


def checked(bank, ada, card):
    for passes, state in ((True, "credited"), (False, "failed")):
        top_up = ada.top_up(900, card)
        action = ada.see(top_up, "requires_action")["next_action"]
        same("what to do", action["type"], "redirect")
        payment = bank.payment(top_up)
        form = {"client_secret": payment["client_secret"], "success": str(passes).lower()}
        bank.ask("POST", f"/v1/payment_intents/{payment['id']}/_authenticate", form)
        if passes:
            ada.was_credited(top_up, 900)
        ada.see(top_up, state)
    ada.holds()
    print("  a card that its bank checks: passed, and not passed")


def reviewed(bank, shop, ada):
    """At a risk the money waits, reserved, for what a person says."""
    for approve, state in ((True, "credited"), (False, "declined")):
        bank.befall("elevated")
        top_up = ada.top_up(1300)
        ada.see(top_up, "in_review")
        same("reserved", bank.payment(top_up)["status"], "requires_capture")
        ada.holds()
        word = {"approve": approve, "reason": "funds.py"}
        shop.ask("POST", f"/v1/admin/top-ups/{top_up}/decide", word, shop.admin)
        if approve:
            ada.was_credited(top_up, 1300)
        ada.see(top_up, state)
    until("the bank lets the money go", lambda: bank.payment(top_up)["status"] == "canceled")
    limit = {"credit": {"decline_above": {"amount": 2000, "unit": "AUR"}}}
    shop.ask("PATCH", "/v1/admin/settings", limit, shop.admin)
    body = {"pay": {"amount": 2001, "unit": "EUR"}, "method": "card"}
    refused = shop.refused("POST", "/v1/top-ups", body, ada.token, "too-much")
    same("declined", (refused["code"], refused["top_up"]["state"]), ("credit_declined", "declined"))
    same("never asked for", bank.payment(refused["top_up"]["id"]), None)
    shop.ask("PATCH", "/v1/admin/settings", {"credit": {}}, shop.admin)
    ada.holds()
    print("  approved by a person, declined by a person, declined by the rules")


def otherwise(shop, ada):
    """By voucher, by bank transfer, on a credit line."""
    admin = lambda method, path, body, key=None: shop.ask(method, f"/v1/admin{path}", body, shop.admin, key)
    tokens = lambda units: {"amount": units, "unit": "AUR"}
    money = lambda units: {"amount": units, "unit": "EUR"}
    batch = {"label": "fair", "tokens": tokens(250), "count": 1, "kind": "paid"}
    voucher = {"method": "voucher", "voucher": admin("POST", "/voucher-batches", batch)["codes"][0]}
    same("a voucher", ada.ask("POST", "/v1/top-ups", voucher)["state"], "credited")
    same("the same", shop.refused("POST", "/v1/top-ups", voucher, ada.token, "again")["code"], "voucher_refused")
    ada.otherwise += 250
    ada.holds()
    admin("PATCH", "/settings", {"offline_instructions": "Transfer"})
    due = ada.ask("POST", "/v1/top-ups", {"tokens": tokens(900), "method": "offline"})
    same("due", (due["state"], due["next_action"]["money"]["amount"]), ("requires_action", 900))
    for part, state in ((400, "requires_action"), (500, "credited")):
        body = {"money": money(part), "note": "statement 14"}
        for _ in range(2):
            booked = admin("POST", f"/top-ups/{due['id']}/received", body, f"part-{part}")
            same("a part", booked["state"], state)
        ada.otherwise += part
        ada.holds()
    account = f"/accounts/{ada.ask('GET', '/v1/account')['id']}"
    admin("PUT", f"{account}/credit-limit", {"limit": money(700)})
    draw = lambda units: {"tokens": tokens(units), "method": "credit_line"}
    same("lent", ada.ask("POST", "/v1/top-ups", draw(600))["state"], "credited")
    same("over", shop.refused("POST", "/v1/top-ups", draw(200), ada.token, "over")["code"], "credit_declined")
    same("owed", admin("POST", f"{account}/repayments", {"money": money(450), "note": "16"}, "paid")["owed"]["amount"], 150)
    ada.otherwise += 600
    ada.holds()
    print("  a voucher, a transfer in two parts, a credit line drawn on and repaid")


def given_back(bank, shop, ada):
    top_up = ada.top_up(1500)
    ada.was_credited(top_up, 1500)
    # The first answer is lost: the refund is asked for again, under its own name.
    bank.befall("lost after")
    shop.ask("POST", f"/v1/admin/top-ups/{top_up}/refunds", {"reason": "funds.py"}, shop.admin, "back")
    ada.see(top_up, "refunded")
    ada.credited -= 1500
    ada.holds()
    refunds = bank.ask("GET", f"/v1/refunds?limit=100&charge={bank.payment(top_up)['latest_charge']['id']}")
    same("given back once", [one["amount"] for one in refunds["data"]], [1500])
    print("  a top-up is given back once, though the answer is lost")


def disputed(bank, shop, ada):
    for decided, state in (("won", "dispute_won"), ("lost", "dispute_lost")):
        top_up = ada.top_up(1600)
        ada.was_credited(top_up, 1600)
        payment = bank.payment(top_up)["id"]
        for status, comes in (("needs_response", "disputed"), (decided, state)):
            bank.befall(f"dispute {payment} {status} 1600")
            for _ in range(2):
                same("a message", shop.hear(*bank.message(top_up)), 204)
            same("the top-up", ada.see(top_up, comes)["state"], comes)
            ada.holds(less=0 if status == "won" else 1600)
    ada.credited -= 1600
    bank.lost += 1600
    body = {"pay": {"amount": 100, "unit": "EUR"}, "method": "card"}
    same("after it", shop.refused("POST", "/v1/top-ups", body, ada.token, "after-it")["reasons"], ["disputed"])
    ada.holds()
    print("  a dispute that is won gives the tokens back, one that is lost does not")


def killed(bank, shop, ada):
    """While the bank answers: to the reservation, and to the capture."""
    for point in ("authorize", "capture"):
        bank.befall(f"held at {point}")
        top_up = ada.top_up(1100)
        done = "requires_capture" if point == "authorize" else "succeeded"
        reached = lambda: (payment := bank.payment(top_up)) and payment["status"] == done
        until(f"the bank has done its part of {point}", reached)
        shop.kill()
        bank.befall("let go")
        shop.start()
        if point == "authorize":
            shop.ask("POST", "/v1/demo/clock", {"advance": 125})
        else:
            same("a message", shop.hear(*bank.message(top_up)), 204)
        ada.was_credited(top_up, 1100)
        same("a message", shop.hear(*bank.message(top_up)), 204)
        ada.holds()
    print("  the server is killed in the middle of a payment, twice, and credits it once")


def given(bank, shop, ada):
    """A card is given on the processor's own page. The browser comes back from it, or only a message does."""
    cookie = f"__Host-scrip-{shop.ask('GET', '/v1/vendor')['id']}={ada.token}"

    def page(path, form=None):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        return shop.open(urllib.request.Request(shop.url + path, data, {"Cookie": cookie}))

    def gives():
        asked = page("/account/cards/new", {"next": "/cart"})
        where = re.search(r'href="(https://checkout\.example/[^"]+)"', asked.read().decode())
        same("the way there", asked.headers["refresh"], f"0; url={where[1]}")
        card = bank.card(GOOD)
        bank.ask("POST", f"/v1/payment_methods/{card}/attach", {"customer": ada.customer})
        return card

    cards = lambda: [one["id"] for one in ada.ask("GET", "/v1/payment-methods")["data"]]
    before, first = cards(), gives()
    bank.befall("lost after")
    same("no answer", page("/account/cards/kept?next=%2Fcart").status, 503)
    for _ in range(2):
        back = page("/account/cards/kept?next=%2Fcart")
        same("back", (back.status, back.headers["location"]), (303, "/cart"))
        same("the cards", cards(), [*before, first])
    second = gives()
    account = ada.ask("GET", "/v1/account")["id"]
    event = {"type": "checkout.session.completed", "data": {"object": {"id": "cs_1", "client_reference_id": account}}}
    body, at = json.dumps(event).encode(), int(time.time())
    mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    same("a forged message", shop.hear(f"t={at},v1={'0' * 64}", body), 400)
    same("the cards", cards(), [*before, first])
    for _ in range(2):
        same("a message", shop.hear(f"t={at},v1={mac}", body), 204)
        same("the cards", cards(), [*before, first, second])
    print("  a card is given on the bank's own page, and kept though the browser never comes back")


def remove(bank, shop, ada, card):
    at_the_bank = lambda: bank.ask("GET", f"/v1/payment_methods/{card}")["customer"]
    same("known to the bank", bool(at_the_bank()), True)
    same("removed", shop.status("DELETE", f"/v1/payment-methods/{card}", token=ada.token)[0], 204)
    same("the default", ada.ask("GET", "/v1/account")["payment_method"], None)
    until("the bank forgets the card", lambda: not at_the_bank())
    print("  a card that is removed is forgotten by the bank, too")


def sound(shop, bank, ada):
    command = [os.environ["SCRIP_BIN"], "doctor", "--config", shop.config]
    examined = subprocess.run(command, capture_output=True, text=True, check=False)
    same(f"the doctor\n{examined.stdout}{examined.stderr}", examined.returncode, 0)
    made = bank.ask("GET", "/v1/payment_intents?limit=1000")["data"]
    mine = [one for one in made if one["customer"] == ada.customer]
    taken = sum(one["amount"] for one in mine if one["status"] == "succeeded")
    refunds = bank.ask("GET", "/v1/refunds?limit=100")["data"]
    charges = {one["latest_charge"]["id"] for one in mine if one["latest_charge"]}
    taken -= sum(one["amount"] for one in refunds if one["charge"] in charges) + bank.lost
    same("what the bank took", taken, ada.credited)
    print(f"  the books are sound, and the bank took what was credited: {taken} cents in {len(mine)} payments")


def check(bank, database):
    bank.lost = 0
    with Vendor(bank, database) as shop:
        ada = Buyer(shop)
        card, bad, watched = attach(bank, shop, ada)
        ada.customer = bank.ask("GET", f"/v1/payment_methods/{card}")["customer"]
        pay(bank, shop, ada)
        buy(shop, ada, card)
        declined(ada, bad)
        checked(bank, ada, watched)
        reviewed(bank, shop, ada)
        otherwise(shop, ada)
        given_back(bank, shop, ada)
        killed(bank, shop, ada)
        disputed(bank, shop, ada)
        given(bank, shop, ada)
        remove(bank, shop, ada, card)
        sound(shop, bank, ada)


@contextlib.contextmanager
def new_database():
    """The URL of an empty database in the cluster, which is gone afterwards."""
    cluster = urllib.parse.urlsplit(os.environ["SCRIP_TEST_POSTGRES"])
    name = f"cards_{os.getpid()}"
    where = {"host": cluster.hostname, "port": cluster.port or 5432, "database": cluster.path.strip("/")}
    server = pg8000.native.Connection(cluster.username, password=cluster.password, **where)
    server.run(f"CREATE DATABASE {name}")
    try:
        yield cluster._replace(path=f"/{name}").geturl()
    finally:
        server.run(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


with Bank() as bank:
    print("on SQLite")
    check(bank, None)
    with new_database() as database:
        print("on PostgreSQL")
        check(bank, database)
