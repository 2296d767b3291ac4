"""Two vendors of our own binary that are partners: what they agree on, and what their buyers exchange."""

from _shop import until


def party(server, token, micros):
    return {"url": server.public_url, "token": token, "scale": 2, "tokens": 100, "micros": micros}


def agree(a, b):
    """Both enter each other, and agree; gives what each calls the other, and the agreement at the first."""
    b_at_a = a.ask("POST", "/v1/admin/partners", {"url": b.public_url, "name": "Belle"}, a.admin)["id"]
    a_at_b = b.ask("POST", "/v1/admin/partners", {"url": a.public_url, "name": "Aurora"}, b.admin)["id"]
    much = 1_000_000
    way = {"rate": {"source": "unit_values"}, "spread_basis_points": 250, "min": 100, "max": much}
    way |= {"buyer_day": much, "day": much, "cap": 10_000_000_000, "lots": ["paid", "exchange"]}
    terms = {"parties": [party(a, "AUR", 1_000_000), party(b, "BEL", 250_000)], "currency": "EUR"}
    terms |= {"ways": [way, way], "cycle": {"kind": "days", "days": 30}, "due_days": 14, "notice_days": 7}
    proposed = a.ask("POST", "/v1/admin/agreements", {"partner": b_at_a, "terms": terms}, a.admin)["id"]
    there = until("a proposal", lambda: b.ask("GET", "/v1/admin/agreements", token=b.admin)["data"])[0]["id"]
    b.ask("POST", f"/v1/admin/agreements/{there}/accept", None, b.admin)
    for server, agreement in ((a, proposed), (b, there)):
        path = f"/v1/admin/agreements/{agreement}"
        until("an agreement", lambda: server.ask("GET", path, token=server.admin)["in_force"])
    return b_at_a, a_at_b, proposed


def link(a, b, partner, here, there):
    path = f"/v1/partners/{partner}/link"
    opened = a.ask("POST", path, {}, here)
    approved = b.ask("POST", f"/v1/links/{opened['reference']}/approve", None, there)
    code = approved["return_url"].split("code=")[1].split("&")[0]
    a.ask("POST", path, {"return_code": code}, here)


def buyer(server, tokens, unit):
    opened = server.ask("POST", "/v1/accounts", {"email": "ada@example.com", "password": "correct horse"})
    if tokens:
        adjust = {"tokens": {"amount": tokens, "unit": unit}, "reason": "test"}
        path = f"/v1/admin/accounts/{opened['account']['id']}/adjust"
        server.ask("POST", path, adjust, server.admin, "fund")
    return opened["token"]


def exchange(server, partner, who, amount, unit, key):
    """So many smallest units, given and fulfilled."""
    give = {"partner": partner, "give": {"amount": amount, "unit": unit}}
    quote = server.ask("POST", "/v1/exchange-quotes", give, who)["id"]
    made = server.ask("POST", "/v1/exchanges", {"quote": quote}, who, key)["id"]
    path = f"/v1/exchanges/{made}"
    until("an exchange", lambda: server.ask("GET", path, token=who)["state"] == "fulfilled")
