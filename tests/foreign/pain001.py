"""What a bank gets, read by software that is not ours: two vendors whose buyer exchanges tokens, a cycle that is closed, and the
file by which the one pays the other. The schema is that of ISO 20022, as the package sepaxml (MIT) carries it; xmlschema validates."""

import contextlib
import os
import subprocess
import urllib.request
from decimal import Decimal

import sepaxml
import xmlschema
from _pair import Server, same
from _partners import agree, buyer, exchange, link
from _shop import until

NAMESPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
GIVE = 12_345


def schema():
    folder = os.path.join(os.path.dirname(sepaxml.__file__), "schemas")
    return xmlschema.XMLSchema(os.path.join(folder, "pain.001.001.09.xsd"))


def file_of(server, settlement):
    request = urllib.request.Request(f"{server.url}/v1/admin/settlements/{settlement}/pain001")
    request.add_header("Authorization", f"Bearer {server.admin}")
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def admin(server, *words):
    command = [os.environ["SCRIP_BIN"], "admin", "--server", server.url, "--admin-key", server.admin, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    same(f"scrip admin {' '.join(words)}: {done.stderr}", done.returncode, 0)
    return done.stdout


with contextlib.ExitStack() as stack:
    a = stack.enter_context(Server("aurora", "vendor"))
    b = stack.enter_context(Server("belle", "vendor", token="BEL"))
    partner, back, agreement = agree(a, b)
    ada, ada_there = buyer(a, 100_000, "AUR"), buyer(b, 0, "BEL")
    link(a, b, partner, ada, ada_there)
    exchange(a, partner, ada, GIVE, "AUR", "exchange")

    closed = a.ask("POST", f"/v1/admin/agreements/{agreement}/close-cycle", {"cycle": 1}, a.admin)["statement"]
    path = f"/v1/admin/statements/{closed}"
    until("a statement", lambda: a.ask("GET", path, token=a.admin)["state"] == "agreed")
    same("what is to be paid", a.ask("GET", path, token=a.admin)["net"]["amount"], GIVE)
    admin(a, "settlements", "bank", "Müller & <Söhne> 日本 GmbH", "DE89 3704 0044 0532 0130 00")
    admin(a, "settlements", "bank", "Belle Isle Sounds", "NL91ABNA0417164300", "--partner", partner, "--bic", "ABNANL2A")
    body = {"statement": closed, "method": "pain001"}
    settlement = a.ask("POST", "/v1/admin/settlements", body, a.admin)

    text = file_of(a, settlement["id"])
    same("the file of the command line", admin(a, "settlements", "file", settlement["id"]).strip(), text.decode().strip())
    schema = schema()
    schema.validate(text.decode())
    # A validator that takes anything proves nothing.
    for good, bad in ((b"<NbOfTxs>1<", b"<NbOfTxs>x<"), (b"DE89", b"de89"), (b"<PmtMtd>TRF</PmtMtd>", b"")):
        same(f"without {good}", schema.is_valid(text.replace(good, bad, 1).decode()), False)

    root = xmlschema.XMLResource(text.decode()).root

    def said(path):
        return [found.text for found in root.findall(f".//{path}", NAMESPACE)]

    amount = str(Decimal(GIVE) / 100)
    same("the amount", said("p:InstdAmt"), [amount])
    same("its currency", root.find(".//p:InstdAmt", NAMESPACE).get("Ccy"), "EUR")
    same("the control sums", said("p:CtrlSum"), [amount, amount])
    same("the reference", said("p:EndToEndId"), [settlement["reference"]])
    same("the creditor", said("p:Cdtr/p:Nm"), ["Belle Isle Sounds"])
    same("the debtor", said("p:Dbtr/p:Nm"), ["Muller + .Sohne. .. GmbH"])
    same("the accounts", said("p:IBAN"), ["DE89370400440532013000", "NL91ABNA0417164300"])
    same("the banks", said("p:BICFI"), ["ABNANL2A"])

    admin(a, "settlements", "sent", settlement["id"])
    arrived = until("a payment", lambda: b.ask("GET", "/v1/admin/settlements", token=b.admin)["data"])[0]
    same("its reference", arrived["reference"], settlement["reference"])
    admin(b, "settlements", "received", arrived["id"], amount, "EUR", "--reference", "statement 12")
    for server, one in ((a, settlement["id"]), (b, arrived["id"])):
        path = f"/v1/admin/settlements/{one}"
        until("a receipt", lambda: server.ask("GET", path, token=server.admin)["state"] == "settled")
        server.sound()
    print(f"a bank's file over {amount} EUR is valid, and both books are even")
