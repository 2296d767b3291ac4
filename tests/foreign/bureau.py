"""A bureau that we did not write in Rust, asked by `scrip serve`: approved, reviewed, declined, and every way to fail."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from http.server import ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "docs", "examples"))

import bureau  # noqa: E402
import jsonschema_rs  # noqa: E402
from _shop import Shop, until  # noqa: E402

with open(os.path.join(HERE, "..", "..", "docs", "bureau.schema.json")) as file:
    SCHEMA = json.load(file)


def conforms(kind, value):
    jsonschema_rs.validate({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}, value)


class Moody(bureau.Bureau):
    """The reference bureau, in a mood."""

    mood = "well"
    questions = []

    def respond(self, id, question):
        conforms("question", question)
        conforms("answer", bureau.opinion(question))
        self.questions.append(question)
        if self.mood == "well":
            super().respond(id, question)
        elif self.mood == "slow":
            # Until who asks has lost patience and hangs up.
            self.rfile.read(1)
        elif self.mood == "gone":
            self.answer(503, {}, b"")
        elif self.mood == "moved":
            self.answer(307, {"location": "/"}, b"")
        elif self.mood == "unsigned":
            self.answer(200, {}, json.dumps(bureau.opinion(question)).encode())
        elif self.mood == "another":
            super().respond("asm_0000000000001", question)
        elif self.mood == "forged":
            own, Moody.secret = Moody.secret, fresh_secret()
            super().respond(id, question)
            Moody.secret = own
        else:
            body = {"garbage": b"<h1>approved</h1>", "endless": b" " * 100_000}[self.mood]
            stamp = str(int(time.time()))
            signature = bureau.sign(self.secret, id, stamp, body)
            names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            self.answer(200, dict(zip(names, [id, stamp, signature])), body)


def fresh_secret():
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


class Vendor(Shop):
    """A server that asks the bureau."""

    def __init__(self, url, admin):
        self.url, self.admin = url, admin


def check(shop):
    credit = {"fail_closed_above": {"amount": 500, "unit": "AUR"}}
    shop.ask("PATCH", "/v1/admin/settings", {"offline_instructions": "Transfer", "credit": credit}, shop.admin)
    person = {"email": "ada@bureau.example", "password": "correct horse"}
    ada = shop.ask("POST", "/v1/accounts", person)["token"]

    def top_up(mood, amount):
        Moody.mood = mood
        body = {"tokens": {"amount": amount, "unit": "AUR"}, "method": "offline"}
        begun = shop.ask("POST", "/v1/top-ups", body, ada, f"{mood}-{amount}")
        if begun["state"] != "assessing":
            raise SystemExit(f"not assessed: {begun}")
        look = lambda: shop.ask("GET", f"/v1/admin/top-ups/{begun['id']}", token=shop.admin)
        held = until(f"{mood} is assessed", lambda: (held := look())["state"] != "assessing" and held)
        last = held["assessments"][-1]
        return held["state"], last["source"], last["status"], last["reasons"]

    def expect(mood, amount, *outcome):
        found = top_up(mood, amount)
        if found != (outcome[0], "bureau", *outcome[1:]):
            raise SystemExit(f"{mood}, {amount}: {found}")

    expect("well", 999, "requires_action", "good", ["amount_approved"])
    expect("well", 1000, "in_review", "doubtful", ["amount_review"])
    expect("well", 2000, "declined", "bad", ["amount_declined"])
    failing = {
        "slow": "unanswered",
        "gone": "unanswered",
        "moved": "unanswered",
        "endless": "unanswered",
        "garbage": "garbled",
        "unsigned": "forged",
        "another": "forged",
        "forged": "forged",
    }
    for mood, word in failing.items():
        expect(mood, 500, "requires_action", "error", [f"bureau_{word}"])
        expect(mood, 501, "in_review", "error", [f"bureau_{word}"])
    asked = [question["assessment"] for question in Moody.questions]
    if len(asked) != 3 + 2 * len(failing) or len(set(asked)) != len(asked):
        raise SystemExit(f"each top-up is asked about once: {asked}")
    print(f"{len(asked)} top-ups were assessed by a bureau, {2 * len(failing)} of them without an answer")


with tempfile.TemporaryDirectory() as folder:
    shop, scrip = os.path.join(folder, "shop"), os.environ["SCRIP_BIN"]
    init = [scrip, "init", shop, "--token-code", "AUR", "--scale", "2", "--worth", "1 = 1.00 EUR"]
    init += ["--listen", "127.0.0.1:0", "--json"]
    made = json.loads(subprocess.run(init, check=True, capture_output=True, text=True).stdout)
    Moody.secret = fresh_secret()
    secret_file = os.path.join(shop, "keys", "bureau.secret")
    with open(os.open(secret_file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(Moody.secret + "\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    # Who is slow writes to nobody.
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = {
        "SCRIP_BUREAU_URL": f"http://127.0.0.1:{server.server_port}/assess",
        "SCRIP_BUREAU_SECRET_FILE": secret_file,
        "SCRIP_BUREAU_BUDGET_MILLISECONDS": "1000",
        "SCRIP_LOG_FILTER": "error",
    }
    serve = [scrip, "serve", "--config", made["config"]]
    serve = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=os.environ | settings)
    try:
        listening = serve.stdout.readline().split()[-1]
        check(Vendor(listening, made["admin_key"]))
        subprocess.run([scrip, "doctor", "--config", made["config"]], check=True, capture_output=True)
    finally:
        serve.terminate()
        serve.wait()
