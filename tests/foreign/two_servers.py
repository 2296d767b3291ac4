"""A merchant and a provider as two processes: the whole purchase over the network, on each database; and the merchant
is killed wherever the tokens are taken and the code is not yet told."""

from _pair import PRICE, TOKENS, Proxy, Purchase, Server, new_databases, same


def valid(shop, order):
    code = order["licenses"][0]["code"]["jws"]
    return shop.ask("POST", "/v1/licenses/validate", {"code": code})["code"]


def bought(shop, pay, offer, ada):
    one = Purchase(shop, pay, offer, ada, "bought")
    session = shop.ask("POST", "/v1/sessions", {"return_code": one.decide("confirm")})["token"]
    one.becomes("paid")
    order = shop.ask("GET", one.path, token=session)
    same("the code", valid(shop, order), "VALID")
    same("what the buyer has", pay.funds(ada), (TOKENS - PRICE, 0))
    back = {"reason": "does not start"}
    shop.ask("POST", f"/v1/admin{one.path[3:]}/refunds", back, shop.admin, "back")
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
    proxy = Proxy()
    with Server("pay", "provider", databases[0], public_url=proxy.url) as pay:
        proxy.behind = pay.url
        with Server("shop", "merchant", databases[1], provider=proxy.url) as shop:
            invitation = pay.register(shop.public_url, invite=True)["invitation"]
            for _ in range(2):
                said = shop.staff("admin", "provider", "accept", invitation)
                same("what the merchant is", " is active at " in said, True)
            offer, ada = shop.service(), pay.buyer("ada@example.com")
            session = bought(shop, pay, offer, ada)
            declined(shop, pay, offer, ada)
            killed(shop, pay, proxy, offer, ada, session)
            shop.sound()
            pay.sound()
            print("  the books of both are sound")


print("on SQLite")
check([None, None])
with new_databases("pay", "shop") as databases:
    print("on PostgreSQL")
    check(databases)
