"""hledger and Beancount accept the exported ledger of a shop and of a provider, with every check that they have, on
each database; what they reckon is what the wallets and the books say; and a number that is changed is found."""

import csv
import io
import os
import re
import subprocess
import tempfile
import urllib.parse
from collections import defaultdict
from decimal import Decimal

from beancount import loader
from beancount.core import data

import _partners
from _pair import PRICE, Server, new_databases, same, until

DAY = 86_400


class Vendor(Server):
    """A shop in which everything has happened that moves tokens or money."""

    def top_up(self, buyer, key, units, **how):
        body = {"tokens": {"amount": units, "unit": "AUR"}, **how}
        return self.ask("POST", "/v1/top-ups", body, buyer, key)

    def by_card(self, buyer, key, units, card="demo_approved", state="credited"):
        made = self.top_up(buyer, key, units, method="card", payment_method=card)
        path = f"/v1/top-ups/{made['id']}"
        until(f"{key} is {state}", lambda: self.ask("GET", path, None, buyer)["state"] == state)
        return made["id"]

    def advance(self, days):
        self.ask("POST", "/v1/demo/clock", {"advance": days * DAY})

    def adjust(self, account, key, body):
        self.ask("POST", f"/v1/admin/accounts/{account}/adjust", body | {"reason": "x"}, self.admin, key)

    def buy(self, buyer, key, offer):
        body = {"lines": [{"offer": offer}], "allow_duplicate": True}
        body["expected_total"] = {"amount": PRICE, "unit": "AUR"}
        return self.ask("POST", "/v1/purchases", body, buyer, key)

    def live(self):
        """What a year brings. Gives the buyers' sessions."""
        offer, ada, bob = self.service(), self.buyer("ada@example.com"), self.buyer("bob@example.com")
        accounts = {who: self.ask("GET", "/v1/account", None, who)["id"] for who in (ada, bob)}
        back = {"reason": "does not start"}
        order = self.buy(ada, "one", offer)
        self.buy(ada, "two", offer)
        self.ask("POST", f"/v1/admin/orders/{order['id']}/refunds", back, self.admin, "back")
        self.advance(1)
        gift = {"kind": "promo", "tokens": {"amount": 333, "unit": "AUR"}}
        soon = self.ask("POST", "/v1/demo/clock", {"advance": 1})["now"]
        gift["expires_at"] = f"{int(soon[:4]) + 1}{soon[4:]}"
        self.adjust(accounts[ada], "gift", gift)
        self.adjust(accounts[bob], "cheque", {"tokens": {"amount": 77, "unit": "AUR"}})
        whole = self.by_card(bob, "card", 1234)
        self.ask("POST", f"/v1/admin/top-ups/{whole}/refunds", back, self.admin, "money-back")
        settings = {"offline_instructions": "Transfer"}
        self.ask("PATCH", "/v1/admin/settings", settings, self.admin)
        due = self.top_up(ada, "offline", 3000, method="offline")["id"]
        part = {"money": {"amount": 1, "unit": "EUR"}, "note": "statement 1"}
        self.ask("POST", f"/v1/admin/top-ups/{due}/received", part, self.admin, "part")
        line = f"/v1/admin/accounts/{accounts[bob]}"
        euros = {"amount": 5000, "unit": "EUR"}
        self.ask("PUT", f"{line}/credit-limit", {"limit": euros}, self.admin)
        self.top_up(bob, "lent", 4000, method="credit_line")
        repaid = {"money": {"amount": 3, "unit": "EUR"}, "note": "statement 2"}
        self.ask("POST", f"{line}/repayments", repaid, self.admin, "repaid")
        eve = self.ask("POST", "/v1/accounts", {"email": "eve@example.com", "password": "correct horse"})["token"]
        self.by_card(eve, "disputed", 500, "demo_disputed", state="disputed")
        # A year later the gift has expired, and so have the sessions.
        self.advance(400)
        session = lambda who: self.ask(  # noqa: E731
            "POST", "/v1/sessions", {"email": f"{who}@example.com", "password": "correct horse"}
        )["token"]
        return [session(who) for who in ("ada", "bob", "eve")]


class Provider(Server):
    """A provider whose merchant has captured, given back and been paid."""

    def live(self, shop):
        merchant = self.register(shop.public_url)["id"]
        offer, ada = shop.service(), self.buyer("ada@example.com")
        self.sell(shop, offer, ada, "kept")
        back = self.sell(shop, offer, ada, "back")
        body = {"reason": "does not start"}
        shop.ask("POST", f"/v1/admin{back[3:]}/refunds", body, shop.admin, "back")
        for server in (self, shop):
            server.ask("POST", "/v1/demo/clock", {"advance": 60 * DAY})
        paid = {"tokens": {"amount": 100, "unit": "AUR"}, "money": {"amount": 1, "unit": "EUR"}, "reference": "4"}
        self.ask("POST", f"/v1/admin/merchants/{merchant}/payouts", paid, self.admin, "payout")
        body = {"email": "ada@example.com", "password": "correct horse"}
        ada = self.ask("POST", "/v1/sessions", body)["token"]
        self.sell(shop, offer, ada, "held")
        return [ada]

    def sell(self, shop, offer, buyer, name):
        """An order's path at the merchant, paid; of `held` the tokens are only held."""
        draft = shop.ask("POST", "/v1/orders", {"lines": [{"offer": offer}], "allow_duplicate": True}, key=f"{name}-draft")
        path, token = f"/v1/orders/{draft['id']}", draft["order_token"]
        sent = shop.ask("POST", f"{path}/confirm", {}, token, f"{name}-confirm", "Order")
        payment = "/v1/payments/" + sent["next_action"]["redirect"].rsplit("/", 1)[1]
        self.ask("POST", f"{payment}/claim", None, buyer)
        if name == "held":
            # The merchant is gone before it hears of the buyer's word.
            shop.kill()
        done = self.ask("POST", f"{payment}/confirm", {}, buyer, name)
        if name != "held":
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(done["return_url"]).query)
            shop.ask("POST", "/v1/sessions", {"return_code": query["code"][0]})
            state = lambda: shop.ask("GET", path, None, token, scheme="Order")["state"]  # noqa: E731
            until(f"{name} is paid", lambda: state() == "paid")
        return path


class Partners:
    """Two vendors that exchange both ways, have settled a cycle, and owe each other again since."""

    def __init__(self, aurora, belle):
        self.a, self.b = aurora, belle

    def live(self):
        a, b = self.a, self.b
        there, here, agreement = _partners.agree(a, b)
        ada, ada_there = _partners.buyer(a, 100_000, "AUR"), _partners.buyer(b, 100_000, "BEL")
        _partners.link(a, b, there, ada, ada_there)
        _partners.link(b, a, here, ada_there, ada)
        self.exchange(there, here, ada, ada_there, "first")
        path = f"/v1/admin/agreements/{agreement}/close-cycle"
        statement = a.ask("POST", path, {"cycle": 1}, a.admin)["statement"]
        path = f"/v1/admin/statements/{statement}"
        until("a statement", lambda: a.ask("GET", path, token=a.admin)["state"] == "agreed")
        net = a.ask("GET", path, token=a.admin)["net"]
        body = {"statement": statement, "method": "recorded"}
        payment = a.ask("POST", "/v1/admin/settlements", body, a.admin)["id"]
        a.ask("POST", f"/v1/admin/settlements/{payment}/sent", None, a.admin)
        listed = lambda: b.ask("GET", "/v1/admin/settlements", token=b.admin)["data"]  # noqa: E731
        arrived = until("a payment", listed)[0]["id"]
        money = {"money": {"amount": net["amount"], "unit": net["unit"]}}
        b.ask("POST", f"/v1/admin/settlements/{arrived}/received", money, b.admin, "received")
        path = f"/v1/admin/settlements/{payment}"
        until("a receipt", lambda: a.ask("GET", path, token=a.admin)["state"] == "settled")
        for server in (b, a):
            server.ask("POST", "/v1/demo/clock", {"advance": DAY})
        a.buy(ada, "one", a.service())
        self.exchange(there, here, ada, ada_there, "second")
        return [ada]

    def exchange(self, there, here, ada, ada_there, name):
        _partners.exchange(self.a, there, ada, 12_345, "AUR", f"{name}-out")
        # A fraction of a cent, which the settlement carries on.
        _partners.exchange(self.b, here, ada_there, 4_001, "BEL", f"{name}-back")


def owed(server):
    """What is owed to the partner and by it, as the server says."""
    partner = server.ask("GET", "/v1/admin/partners", token=server.admin)["data"][0]
    name = partner["id"].replace("par_", "Par-")
    sides = (("Liabilities", "payable", -1), ("Assets", "receivable", 1))
    amount = lambda side, sign: Decimal(partner[side]["amount"]).scaleb(-6) * sign  # noqa: E731
    return {(f"{root}:Partners:{name}", "EUR"): amount(side, sign) for root, side, sign in sides}


def export(server, path, *options):
    """The text that `scrip export` writes, twice the same."""
    command = [os.environ["SCRIP_BIN"], "export", "--server", server.url, "--admin-key", server.admin, *options]
    for _ in range(2):
        made = subprocess.run([*command, "--out", path], capture_output=True, text=True, check=False)
        same(f"export: {made.stderr}", made.returncode, 0)
    told = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    with open(path, newline="") as file:
        written = file.read()
    same("that the bytes are the same again", told == written, True)
    return written


def hledger(path, *args):
    done = subprocess.run(["hledger", "-f", path, *args], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def by_hledger(path):
    """What each account has: (account, unit) -> decimal."""
    for check in (["--strict"], ["payees"], ["ordereddates"]):
        code, said = hledger(path, "check", *check)
        same(f"hledger check {check[0]}: {said[:2000]}", code, 0)
    code, said = hledger(path, "bal", "--flat", "--no-total", "--empty", "--layout=bare", "-O", "csv")
    same(f"hledger bal: {said[:2000]}", code, 0)
    rows = list(csv.reader(io.StringIO(said)))[1:]
    return {(account, unit.strip('"')): Decimal(amount) for account, unit, amount in rows if Decimal(amount)}


def by_beancount(path):
    entries, errors, _ = loader.load_file(path)
    same(f"Beancount: {[error.message for error in errors[:5]]}", errors, [])
    sums = defaultdict(Decimal)
    for entry in entries:
        if isinstance(entry, data.Transaction):
            for posting in entry.postings:
                sums[posting.account, posting.units.currency] += posting.units.number
    same("there are balances to check", any(isinstance(entry, data.Balance) for entry in entries), True)
    return {key: amount for key, amount in sums.items() if amount}


def by_table(text):
    sums = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(text, newline="")):
        sums[row["account"], row["unit"]] += Decimal(row["amount"])
    return {key: amount for key, amount in sums.items() if amount}


def tampered(text):
    """The journal with one purchase or capture of another amount, in balance; and from where on."""
    found = re.search(r"  2\.50 AUR\n(    [^\n]+)  -2\.50 AUR\n", text)
    changed = f"  2.49 AUR\n{found[1]}  -2.49 AUR\n"
    return text[: found.start()] + changed + text[found.end() :]


def agree(server, buyers, folder, expected):
    """All formats tell the same, which is what wallets and the settlement of the books say."""
    path = os.path.join(folder, "ledger.journal")
    journal = export(server, path, "--format", "hledger")
    balances = by_hledger(path)
    with open(path, "w") as file:
        file.write(tampered(journal))
    code, said = hledger(path, "check")
    same("hledger finds a changed number", (code != 0, "assertion" in said), (True, True))

    path = os.path.join(folder, "ledger.beancount")
    text = export(server, path, "--format", "beancount")
    same("what Beancount reckons", by_beancount(path), balances)
    with open(path, "w") as file:
        file.write(tampered(text))
    _, errors, _ = loader.load_file(path)
    same("Beancount finds a changed number", "Balance failed" in str(errors), True)

    table = export(server, os.path.join(folder, "ledger.csv"), "--format", "csv")
    same("what the table comes to", by_table(table), balances)
    for unit in {unit for _, unit in balances}:
        same(f"all of {unit}", sum(amount for (_, its), amount in balances.items() if its == unit), 0)

    # A part of it opens with what was before, and comes to the same.
    first = table.split("\r\n")[1].split(",")[0][:10]
    later = max(row.split(",")[0][:10] for row in table.split("\r\n")[1:-1])
    same("there is more than a day", first < later, True)
    for format, suffix, reckon in (("hledger", "journal", by_hledger), ("beancount", "beancount", by_beancount)):
        part = os.path.join(folder, f"part.{suffix}")
        export(server, part, "--format", format, "--from", later)
        same(f"{format} from {later}", reckon(part), balances)
        export(server, part, "--format", format, "--to", first)
        reckon(part)

    for buyer in buyers:
        account = server.ask("GET", "/v1/account", None, buyer)["id"].replace("acc_", "Acc-")
        wallet = server.ask("GET", "/v1/wallet", None, buyer)
        for name, part, sign in (
            (f"Liabilities:Wallets:{account}:Available", "available", -1),
            (f"Liabilities:Wallets:{account}:Held", "held", -1),
            (f"Assets:Owed:{account}", "owed", 1),
        ):
            has = Decimal(wallet[part]["amount"]).scaleb(-2) * sign
            same(name, balances.get((name, "AUR"), 0), has)
        line = wallet["credit_line"]
        lent = Decimal(line["owed"]["amount"]).scaleb(-2) if line else 0
        same("what is lent", balances.get((f"Assets:CreditLines:{account}", "EUR"), 0), lent)
    roots = {re.split(":(?:Acc|Mer|Par)-", name)[0] for name, _ in balances}
    same("what occurs", sorted(expected - roots), [])
    server.sound()


SHOP = {
    "Assets:CreditLines",
    "Assets:Disputed",
    "Assets:Money:Demo",
    "Assets:Money:Offline",
    "Assets:Money:Repayments",
    "Equity:Granted",
    "Equity:Issued",
    "Equity:Reclaimed",
    "Expenses:Processing",
    "Income:Breakage",
    "Income:Sales",
    "Liabilities:TokensSold",
    "Liabilities:Wallets",
}
PAY = {"Assets:Money:Payouts", "Equity:Issued", "Equity:PaidOut", "Income:Fees", "Liabilities:Merchants"}

PARTNERS = {
    "Assets:Money:Settlements",
    "Assets:Partners",
    "Equity:ExchangedIn",
    "Equity:ExchangedOut",
    "Expenses:Exchange",
    "Income:Exchange",
    "Liabilities:Partners",
}


def settled(a, b, folder):
    """What two partners owe each other is the same in both journals, and what both servers say."""
    agree(a, Partners(a, b).live(), folder, PARTNERS)
    both = []
    for server in (a, b):
        path = os.path.join(folder, "partner.journal")
        export(server, path, "--format", "hledger")
        balances, expected = by_hledger(path), owed(server)
        found = {key: amount for key, amount in balances.items() if ":Partners:" in key[0]}
        same("what is owed", found, {key: amount for key, amount in expected.items() if amount})
        both.append(sum(expected.values()))
        server.sound()
    same("what the two owe each other", sum(both), 0)


def check(databases):
    with tempfile.TemporaryDirectory() as folder:
        with Vendor("shop", "vendor", databases[0]) as shop:
            agree(shop, shop.live(), folder, SHOP)
            print("  a shop: hledger, Beancount, wallets and books agree")
        with Provider("pay", "provider", databases[1]) as pay:
            with Server("sounds", "merchant", databases[2], provider=pay.url) as merchant:
                buyers = pay.live(merchant)
                agree(pay, buyers, folder, PAY)
            print("  a provider: hledger, Beancount, wallets and books agree")
        with Vendor("aurora", "vendor", databases[3]) as a:
            with Vendor("belle", "vendor", databases[4], token="BEL") as b:
                settled(a, b, folder)
            print("  two partners: hledger, Beancount and what both are owed agree")


print("on SQLite")
check([None] * 5)
NAMES = [f"journal_{name}" for name in ("shop", "pay", "sounds", "aurora", "belle")]
with new_databases(*NAMES) as databases:
    print("on PostgreSQL")
    check(databases)
