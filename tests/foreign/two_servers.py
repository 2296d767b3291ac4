"""A merchant and a provider as two processes: the whole purchase over the network, on each database; and the merchant
is killed wherever the tokens are taken and the code is not yet told. What the merchant writes comes to somebody else's mail
server through the provider."""

import email
import email.policy

from _pair import PRICE, TOKENS, Proxy, Purchase, Server, new_databases, same, until
from _shop import free_port
from aiosmtpd.controller import Controller

BUYER = "ada@example.com"


class Sink:
    """The provider's mail server."""

    def __init__(self):
        self.taken = []
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken.append((envelope.rcpt_tos, message))
        return "250 taken"

    def takes_mail_of(self, server):
        server.env |= {
            "SCRIP_MAIL_SERVER": "127.0.0.1",
            "SCRIP_MAIL_PORT": str(self.controller.port),
            "SCRIP_MAIL_TLS": "none",
            "SCRIP_MAIL_FROM": "Meridian Pay <pay@pay.example>",
        }

    def of_merchant(self, what):
        """The merchant's letter about this, once it has come to the buyer."""
        subject = f"Field Sounds: {what}"
        found = lambda: [message for to, message in self.taken if to == [BUYER] and message["Subject"] == subject]
        return until(f"the letter {subject}", found)[0]


def forwarded(sink, order):
    """The buyer has the merchant's letter, with the code, from the provider."""
    letter = sink.of_merchant("Approved: The tuning")
    same("the sender", str(letter["From"]), "Meridian Pay <pay@pay.example>")
    if not letter["Message-ID"].startswith("<mer_"):
        raise SystemExit(f"the name of the letter: {letter['Message-ID']}")
    code = order["licenses"][0]["code"]["jws"]
    for part in letter.iter_parts():
        if code not in part.get_content() or "writes to you through pay" not in part.get_content():
            raise SystemExit(part.get_content())
    print("  the code has come by mail, through the provider")


def valid(shop, order):
    code = order["licenses"][0]["code"]["jws"]
    return shop.ask("POST", "/v1/licenses/validate", {"code": code})["code"]


def bought(shop, pay, sink, offer, ada):
    one = Purchase(shop, pay, offer, ada, "bought")
    session = shop.ask("POST", "/v1/sessions", {"return_code": one.decide("confirm")})["token"]
    one.becomes("paid")
    order = shop.ask("GET", one.path, token=session)
    same("the code", valid(shop, order), "VALID")
    forwarded(sink, order)
    same("what the buyer has", pay.funds(ada), (TOKENS - PRICE, 0))
    back = {"reason": "does not start"}
    shop.ask("POST", f"/v1/admin{one.path[3:]}/refunds", back, shop.admin, "back")
    sink.of_merchant("Refunded: 2.50 AUR")
    same("what the buyer has again", pay.funds(ada), (TOKENS, 0))
    print("  bought, delivered, and given back")
    return session


def declined(shop, pay, offer, ada):
    one = Purchase(shop, pay, offer, ada, "declined")
    one.decide("decline")
    # The buyer closes the browser: the notice tells it.
    one.becomes("declined")
    same("what the buyer has", pay.funds(ada), (TOKENS, 0))
    print("  declined, and told by the notice alone")


def killed(shop, pay, proxy, offer, ada, session):
    left = TOKENS
    for end, what in (("/capture", "answer"), ("/fulfilled", "request"), ("/fulfilled", "answer")):
        proxy.hold_back(end, what)
        one = Purchase(shop, pay, offer, ada, f"killed-{end[1:]}-{what}")
        one.decide("confirm")
        if not proxy.reached.wait(60):
            raise SystemExit(f"{one.name}: never asked")
        shop.kill()
        proxy.let_go()
        left -= PRICE
        same(f"{one.name}: taken", pay.funds(ada), (left, 0))
        shop.start()
        one.becomes("paid")
        order = shop.ask("GET", one.path, token=session)
        same(f"{one.name}: the code", valid(shop, order), "VALID")
        same(f"{one.name}: taken once", pay.funds(ada), (left, 0))
        print(f"  killed at {end} ({what} held back): taken once, delivered once")


def check(databases):
    proxy, sink = Proxy(), Sink()
    sink.controller.start()
    pay = Server("pay", "provider", databases[0], public_url=proxy.url)
    sink.takes_mail_of(pay)
    with pay:
        proxy.behind = pay.url
        with Server("shop", "merchant", databases[1], provider=proxy.url) as shop:
            invitation = pay.register(shop.public_url, invite=True)["invitation"]
            for _ in range(2):
                said = shop.staff("admin", "provider", "accept", invitation)
                same("what the merchant is", " is active at " in said, True)
            offer, ada = shop.service(), pay.buyer(BUYER)
            session = bought(shop, pay, sink, offer, ada)
            declined(shop, pay, offer, ada)
            killed(shop, pay, proxy, offer, ada, session)
            shop.sound()
            pay.sound()
            print("  the books of both are sound")
    sink.controller.stop()


print("on SQLite")
check([None, None])
with new_databases("pay", "shop") as databases:
    print("on PostgreSQL")
    check(databases)
