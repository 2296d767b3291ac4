"""Backups with whole processes: a shop is backed up while it sells, killed, deleted, and goes on elsewhere, on either database;
what is wrong with a backup is told by sentence and exit code; the tool `age` opens ours, and we open its; a provider and a
merchant, and two vendors that exchange, hear from each other what happened since when they go back to a backup."""

import hashlib
import io
import json
import os
import pty
import shutil
import sqlite3
import tarfile
import tempfile
import threading
import time
import urllib.request

import _partners
from _pair import PRICE, TOKENS, Purchase, Server, new_databases, same, until

PASSPHRASE = "correct horse battery staple"
OTHER = "incorrect horse battery staple"
GOODS = bytes(range(256)) * 1000


def age(words, passphrase, times):
    """Runs the tool `age`, which asks for the passphrase at a terminal, so many times."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("age", ["age", *words])
    said, asked = b"", 0
    while True:
        try:
            piece = os.read(terminal, 1024)
        except OSError:
            piece = b""
        if not piece:
            break
        said += piece
        while asked < times and said.lower().count(b"passphrase") > asked and said.rstrip().endswith(b":"):
            os.write(terminal, passphrase.encode() + b"\n")
            asked += 1
            said += b"\n"
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    same(f"age {words}: {said}", os.waitstatus_to_exitcode(status), 0)


class Sales:
    """A buyer who buys all the time: each answer is kept, with when it came."""

    def __init__(self, shop, offer, buyer):
        self.shop, self.offer, self.buyer = shop, offer, buyer
        self.told, self.more = [], threading.Event()
        self.more.set()
        self.thread = threading.Thread(target=self.buy, daemon=True)
        self.thread.start()

    def body(self):
        price = {"amount": PRICE, "unit": "AUR"}
        return {"lines": [{"offer": self.offer}], "expected_total": price, "allow_duplicate": True}

    def buy(self):
        number = 0
        while self.more.is_set():
            key, number = f"sale-{number}", number + 1
            status, order = self.shop.send("POST", "/v1/purchases", self.body(), self.buyer, key)
            same("a sale", status, 201)
            self.told.append((time.monotonic(), key, order))

    def until_some(self, count):
        until(f"{count} sales", lambda: len(self.told) >= count)

    def stop(self):
        self.more.clear()
        self.thread.join()


def goods(shop):
    """A product with a file: its offer, and the file's digest."""
    digest = hashlib.sha256(GOODS).hexdigest()
    put = urllib.request.Request(f"{shop.url}/v1/admin/objects/{digest}", data=GOODS, method="PUT")
    put.add_header("Authorization", f"Bearer {shop.admin}")
    urllib.request.urlopen(put).close()
    product = {"slug": "tool", "kind": "download", "title": "The tool"}
    shop.ask("POST", "/v1/admin/products", product, shop.admin)
    file = {"name": "tool.zip", "sha256": digest, "platform": "any", "media_type": "application/zip"}
    shop.ask("PUT", "/v1/admin/products/tool/releases/stable/1.0", {"files": [file], "publish": True}, shop.admin)
    offer = {"price": {"amount": PRICE, "unit": "AUR"}, "terms": {"kind": "perpetual"}}
    made = shop.ask("PUT", "/v1/admin/products/tool/offers/standard", offer, shop.admin)
    shop.ask("POST", "/v1/admin/products/tool/publish", None, shop.admin)
    return made["id"]


def rich(shop, email, tokens):
    """A buyer's session, with so many tokens."""
    opened = shop.ask("POST", "/v1/accounts", {"email": email, "password": "correct horse"})
    body = {"tokens": {"amount": tokens, "unit": "AUR"}, "method": "demo"}
    shop.ask("POST", "/v1/top-ups", body, opened["token"], "fund")
    return opened["token"]


def downloads(shop, order):
    license = order["licenses"][0]
    verdict = shop.ask("POST", "/v1/licenses/validate", {"code": license["code"]["jws"]})["code"]
    same("the code", verdict, "VALID")
    get = urllib.request.Request(f"{shop.url}/v1/downloads/{license['files'][0]['id']}")
    get.add_header("Authorization", f"License {license['code']['jws']}")
    with urllib.request.urlopen(get) as answer:
        same("the goods", answer.read() == GOODS, True)


def gone(server):
    """The machine burns down."""
    server.kill()
    shutil.rmtree(server.home)


def restored(server, backup, name, database=None, code=0, passphrase=PASSPHRASE):
    """The server's next folder, from a backup; what was said."""
    home = os.path.join(server.folder.name, name)
    words = ["restore", backup, home, "--json", *(["--database", database] if database else [])]
    said = server.run(*words, code=code, passphrase=passphrase)
    if code == 0:
        server.home, server.config = home, os.path.join(home, "scrip.toml")
        same("who can open the folder", oct(os.stat(home).st_mode & 0o777), "0o700")
        for file in ("scrip.toml", "keys/master.secret", "keys/license-0001.seed"):
            same(file, oct(os.stat(os.path.join(home, file)).st_mode & 0o777), "0o600")
        return json.loads(said)
    same("what is left", os.listdir(home) if os.path.isdir(home) else [], [])
    return said


def lived(first, second):
    """A shop on the one database is backed up while it sells, and goes on on the other."""
    with Server("shop", "vendor", first) as shop:
        offer, ada = goods(shop), rich(shop, "ada@example.com", 1_000_000)
        bob = rich(shop, "bob@example.com", 1_000_000)
        sales = Sales(shop, offer, bob)
        sales.until_some(20)
        backup = os.path.join(shop.folder.name, "shop.age")
        begun, before = time.monotonic(), list(sales.told)
        made = json.loads(shop.run("backup", backup, "--config", shop.config, "--with-files", "--json", passphrase=PASSPHRASE))
        sales.until_some(len(sales.told) + 5)
        sales.stop()
        same("who can read it", oct(os.stat(backup).st_mode & 0o777), "0o600")
        same("its goods", made["objects"], 1)
        shop.run("backup", "--verify", backup, passphrase=PASSPHRASE)
        gone(shop)
        again = restored(shop, backup, "again", second)
        same("the epoch", again["epoch"], 2)
        shop.sound()
        shop.start()
        same("the epoch", shop.ask("GET", "/.well-known/scrip")["epoch"], 2)
        # Whatever was answered before the backup began is there, byte for byte.
        known = [sale for sale in before if sale[0] < begun]
        for _, key, order in known:
            same(key, shop.ask("POST", "/v1/purchases", sales.body(), bob, key)["id"], order["id"])
        downloads(shop, known[0][2])
        same("a session", shop.funds(ada), (1_000_000, 0))
        listed = shop.ask("GET", "/v1/orders?limit=1", token=bob)["data"][0]["id"]
        new = shop.ask("POST", "/v1/purchases", sales.body(), bob, "after-the-restore")
        same("ids go on", new["id"] > listed, True)
        downloads(shop, new)
        shop.sound()
        print(f"  backed up among {len(sales.told)} sales, and {len(known)} of them and the goods are there again")
        return shop.folder


def wrong():
    """What cannot be used is refused, and nothing is left behind."""
    with Server("shop", "vendor") as shop, tempfile.TemporaryDirectory() as folder:
        backup = os.path.join(folder, "shop.age")
        shop.run("backup", backup, "--config", shop.config, passphrase="short", code=2)
        shop.run("backup", backup, "--config", shop.config, "--quiet", passphrase=PASSPHRASE)
        said = shop.run("backup", backup, "--config", shop.config, passphrase=PASSPHRASE, code=1)
        same("a second one: " + said, "there already" in said, True)
        same("beside it", os.listdir(folder), ["shop.age"])
        same("a wrong passphrase", "passphrase is wrong" in restored(shop, backup, "a", code=3, passphrase=OTHER), True)
        with open(backup, "rb") as file:
            whole = file.read()
        for name, bytes_, words in (
            ("flipped", whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], "changed"),
            ("truncated", whole[:-100], "end is missing"),
            ("other", b"PK" + whole, "no backup"),
        ):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(bytes_)
            said = restored(shop, path, name, code=3)
            same(f"{name}: {said}", words in said, True)
            shop.run("backup", "--verify", path, passphrase=PASSPHRASE, code=3)
        full = os.path.join(shop.folder.name, "full")
        os.mkdir(full)
        open(os.path.join(full, "something"), "w").close()
        said = shop.run("restore", backup, full, passphrase=PASSPHRASE, code=1)
        same("a folder with something in it: " + said, "not empty" in said and os.listdir(full) == ["something"], True)

        # The published format: the tool opens ours, and we open what the tool made of a later version.
        plain = os.path.join(folder, "plain.tar")
        age(["--decrypt", "--output", plain, backup], PASSPHRASE, 1)
        with tarfile.open(plain) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
        for name in ("manifest.json", "books.db", "keys/master.secret", "config/scrip.toml", "end.json"):
            same(name, name in members, True)
        for changed in ({"form": 99}, {"schema": "9999_future"}):
            manifest = json.loads(members["manifest.json"]) | changed
            later = os.path.join(folder, "later.tar")
            with tarfile.open(later, "w") as tar:
                for name, content in (members | {"manifest.json": json.dumps(manifest).encode()}).items():
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
            sealed = later + ".age"
            age(["--passphrase", "--output", sealed, later], PASSPHRASE, 2)
            said = restored(shop, sealed, "later", code=3)
            same(f"{changed}: {said}", "later version" in said, True)
            os.remove(sealed)

        shop.process.terminate()
        shop.process.wait()
        books = sqlite3.connect(os.path.join(shop.home, "scrip.db"))
        books.execute("INSERT INTO house VALUES ('issued', 7, 0) ON CONFLICT (name) DO UPDATE SET debits = debits + 7")
        books.commit()
        books.close()
        sick = os.path.join(folder, "sick.age")
        shop.run("backup", sick, "--config", shop.config, passphrase=PASSPHRASE)
        said = restored(shop, sick, "sick", code=4)
        same("books that are not whole: " + said, "conservation" in said, True)
        print("  what is wrong with a backup is told, and leaves nothing")


def moved(database):
    with Server("shop", "vendor") as shop:
        offer, ada = shop.service(), shop.buyer("ada@example.com")
        body = {"lines": [{"offer": offer}], "expected_total": {"amount": PRICE, "unit": "AUR"}}
        order = shop.ask("POST", "/v1/purchases", body, ada, "one")
        said = shop.run("move", "--to", database, "--config", shop.config, code=1)
        same("a shop that is served is not moved: " + said, "another process" in said, True)
        shop.process.terminate()
        shop.process.wait()
        rows = json.loads(shop.run("move", "--to", database, "--config", shop.config, "--json"))["rows"]
        same("the old file", os.path.exists(os.path.join(shop.home, "scrip.db.moved")), True)
        same("rows", rows > 20, True)
        shop.sound()
        shop.start()
        same("the order", shop.ask("POST", "/v1/purchases", body, ada, "one")["id"], order["id"])
        same("a session", shop.funds(ada), (TOKENS - PRICE, 0))
        said = shop.run("move", "--to", database, "--config", shop.config, code=1)
        same("once is enough: " + said, "already" in said, True)
        print(f"  moved {rows} rows, and the shop goes on")


def reconciled(server):
    report = lambda: server.ask("GET", "/v1/admin/restore", token=server.admin)
    until(f"{server.url} has heard all", lambda: not report()["restoring"])
    return report()


def two_servers(databases):
    """Each goes back to before a purchase, with the other as it was."""
    with Server("pay", "provider", databases[0]) as pay:
        with Server("shop", "merchant", databases[1], provider=pay.public_url) as shop:
            pay.register(shop.public_url)
            offer, ada = shop.service(), pay.buyer("ada@example.com")
            first = Purchase(shop, pay, offer, ada, "first")
            first.decide("confirm")
            first.becomes("paid")
            backups = {}
            for name, server in (("pay", pay), ("shop", shop)):
                backups[name] = os.path.join(server.folder.name, name + ".age")
                server.run("backup", backups[name], "--config", server.config, passphrase=PASSPHRASE)
            second = Purchase(shop, pay, offer, ada, "second")
            session = shop.ask("POST", "/v1/sessions", {"return_code": second.decide("confirm")})["token"]
            second.becomes("paid")
            code = shop.ask("GET", second.path, token=session)["licenses"][0]["code"]["jws"]
            same("what the buyer has", pay.funds(ada), (TOKENS - 2 * PRICE, 0))

            gone(pay)
            same("whom it asks", restored(pay, backups["pay"], "pay2", databases[2])["peers"], 1)
            pay.start()
            report = reconciled(pay)
            same("the provider's report", [report["peers"][0][it] for it in ("state", "booked", "listed")], ["reconciled", 1, 0])
            same("what the buyer has", pay.funds(ada), (TOKENS - 2 * PRICE, 0))
            same("the code", shop.ask("POST", "/v1/licenses/validate", {"code": code})["code"], "VALID")
            third = Purchase(shop, pay, offer, ada, "third")
            third.decide("confirm")
            third.becomes("paid")
            print("  a provider booked what its merchant had")

            gone(shop)
            restored(shop, backups["shop"], "shop2", databases[3])
            shop.start()
            report = reconciled(shop)
            same("what the merchant lists", [row["lack"] for row in report["discrepancies"]["data"]], ["code_lost"] * 2)
            same("what the buyer has", pay.funds(ada), (TOKENS - 3 * PRICE, 0))
            same("the first order", first.state(), "paid")
            fourth = Purchase(shop, pay, offer, ada, "fourth")
            fourth.decide("confirm")
            fourth.becomes("paid")
            same("what the buyer has", pay.funds(ada), (TOKENS - 4 * PRICE, 0))
            shop.sound()
            pay.sound()
            print("  a merchant listed what it had forgotten, and both go on")


def two_vendors(databases):
    """Each goes back to before exchanges, with the other as it was."""
    with Server("aurora", "vendor", databases[0]) as a, Server("belle", "vendor", databases[1], token="BEL") as b:
        b_at_a, a_at_b, agreement = _partners.agree(a, b)
        ada, ada_there = _partners.buyer(a, 10_000, "AUR"), _partners.buyer(b, 0, "BEL")
        _partners.link(a, b, b_at_a, ada, ada_there)

        def give(amount, key):
            _partners.exchange(a, b_at_a, ada, amount, "AUR", key)

        def stand(left):
            given = 10_000 - left
            same("what the buyer has", (a.funds(ada), b.funds(ada_there)), ((left, 0), (given * 39 // 10, 0)))
            owes = a.ask("GET", f"/v1/admin/partners/{b_at_a}", token=a.admin)["payable"]["amount"]
            owed = b.ask("GET", f"/v1/admin/partners/{a_at_b}", token=b.admin)["receivable"]["amount"]
            same("what is owed", (owes, owed), (given * 10_000, given * 10_000))

        give(1000, "one")
        backups = {}
        for name, server in (("aurora", a), ("belle", b)):
            backups[name] = os.path.join(server.folder.name, name + ".age")
            server.run("backup", backups[name], "--config", server.config, passphrase=PASSPHRASE)
        give(2000, "two")
        stand(7000)
        gone(a)
        same("whom it asks", restored(a, backups["aurora"], "aurora2", databases[2])["peers"], 1)
        a.start()
        peer = reconciled(a)["peers"][0]
        same("the report of who gave", [peer[it] for it in ("kind", "state", "booked", "listed")], ["partner", "reconciled", 1, 0])
        stand(7000)
        give(500, "three")
        stand(6500)
        print("  a vendor booked again what its buyer had given")

        gone(b)
        restored(b, backups["belle"], "belle2", databases[3])
        b.start()
        peer = reconciled(b)["peers"][0]
        same("the report of who issued", [peer[it] for it in ("state", "booked", "listed")], ["reconciled", 2, 0])
        stand(6500)
        give(100, "four")
        stand(6400)
        a.ask("POST", f"/v1/admin/agreements/{agreement}/close-cycle", {}, a.admin)
        for server in (a, b):
            states = lambda: [row["state"] for row in server.ask("GET", "/v1/admin/statements", token=server.admin)["data"]]
            until("both say the same", lambda: states() == ["agreed"])
        table = a.staff("admin", "restore", "show")
        same("what staff sees: " + table, b.public_url in table and "partner" in table, True)
        a.sound()
        b.sound()
        print("  its partner issued again what it had, and both agree on the cycle")


print("what can be wrong")
wrong()
names = ["pay", "shop", "pay2", "shop2", "aurora", "belle", "aurora2", "belle2"]
with new_databases("lived", "moved", *names) as (one, two, *more):
    print("from SQLite to PostgreSQL")
    lived(None, one)
    print("moved")
    moved(two)
    print("two servers on PostgreSQL")
    two_servers(more[:4])
    print("two vendors on PostgreSQL")
    two_vendors(more[4:])
with new_databases("lived") as (one,):
    print("from PostgreSQL to SQLite")
    lived(one, None)
print("from SQLite to SQLite")
lived(None, None)
print("two servers on SQLite")
two_servers([None] * 4)
print("two vendors on SQLite")
two_vendors([None] * 4)
