"""Letters as somebody else's mail server takes them: over STARTTLS, with a password, amid refusals of both kinds; read by
Python's own parser, with codes and links in them that work."""

import datetime
import email
import email.policy
import ipaddress
import json
import os
import ssl
import subprocess
import tempfile
import threading
import urllib.error

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import KeySet

from _shop import Shop, free_port, same, until

USER, PASSWORD = "shop", "hush hush"


class Sink:
    """A mail server that keeps what it takes, in a mood for each address."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken, self.refused, self.moods = [], [], {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        with self.lock:
            moods = self.moods.get(address, [])
            answer = moods.pop(0) if moods else None
        if answer:
            self.refused.append(address)
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if session.ssl is None or not session.authenticated:
            return "530 not without TLS and a password"
        with self.lock:
            self.taken.append((envelope.rcpt_tos[0], envelope.content))
        return "250 taken"

    def to(self, address):
        """The messages that went there, each once, oldest first."""
        with self.lock:
            taken = [content for to, content in self.taken if to == address]
        return [email.message_from_bytes(content, policy=email.policy.default) for content in taken]

    def wait(self, address, count, what):
        return until(what, lambda: len(self.to(address)) >= count and self.to(address))


def authenticate(server, session, envelope, mechanism, data):
    good = mechanism in ("LOGIN", "PLAIN") and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good)


def certificates(folder):
    """An authority that nobody knows, and a certificate of its for localhost."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(name, key, issuer, signer, *extensions):
        named = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        day = datetime.timedelta(days=1)
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    files = {
        "authority.pem": certificate("sink", authority, "sink", authority, x509.BasicConstraints(True, None)),
        "server.pem": certificate("localhost", key, "sink", authority, x509.SubjectAlternativeName(names)),
        "server.key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
    return os.path.join(folder, "authority.pem"), context


class Vendor(Shop):
    """A server that sends mail."""

    def __init__(self, url, admin):
        self.url, self.admin = url, admin

    def status(self, *request):
        try:
            self.send(*request)
        except urllib.error.HTTPError as error:
            return error.code
        return 200


def parts(message):
    """Both parts of a message, which say the same."""
    same("the kind", message.get_content_type(), "multipart/alternative")
    same("the parts", [part.get_content_type() for part in message.iter_parts()], ["text/plain", "text/html"])
    same("defects", [part.defects for part in message.walk()], [[], [], []])
    same("what it is", message["Auto-Submitted"], "auto-generated")
    same("the sender", str(message["From"]), "Aurora Instruments <shop@shop.example>")
    same("answers", str(message["Reply-To"]), "help@shop.example")
    if not message["Message-ID"].startswith("<let_") or message["Date"].datetime is None:
        raise SystemExit(f"no name or date: {message.items()}")
    text, html = (part.get_content() for part in message.iter_parts())
    if any(len(line) > 72 and " " in line for line in text.splitlines()):
        raise SystemExit(f"a line is too long: {text}")
    return text, html


def after(text, before):
    return text.split(before)[1].split()[0]


def goods(shop):
    """A service with one offer."""
    admin = "/v1/admin/products"
    body = {"slug": "tuning", "kind": "service", "title": "Tuning for Übergrößen", "instructions": "Call us."}
    shop.ask("POST", admin, body, shop.admin)
    offer = {"price": {"amount": 250, "unit": "AUR"}, "terms": {"kind": "perpetual"}}
    shop.ask("PUT", f"{admin}/tuning/offers/standard", offer, shop.admin)
    shop.ask("POST", f"{admin}/tuning/publish", token=shop.admin)


def check(shop, sink):
    goods(shop)
    ada = shop.buyer("ada@mail.example")
    order = shop.buy("tuning", ada)
    letters = sink.wait("ada@mail.example", 3, "Ada's letters")
    subjects = [letter["Subject"] for letter in letters]
    same("subjects", sorted(subjects)[1], "Approved: Tuning for Übergrößen")
    paid = next(letter for letter in letters if letter["Subject"].startswith("Approved"))
    text, html = parts(paid)
    code = order["licenses"][0]["code"]
    same("the code", after(text, "To copy:"), code["jws"])
    for told in (code["short"], code["jws"], order["id"], "2.50 AUR", "9,997.50 AUR"):
        if told not in text or told not in html:
            raise SystemExit(f"{told} is not in both parts")
    keys = KeySet.import_key_set(shop.ask("GET", "/.well-known/jwks.json"))
    claims = jws.deserialize_compact(after(text, "To copy:"), keys, algorithms=["EdDSA", "Ed25519"])
    same("its order", json.loads(claims.payload)["ord"], order["id"])

    # Not now: the same message comes later, once.
    sink.moods["bob@mail.example"] = ["451 not now"]
    person = {"email": "bob@mail.example", "password": "correct horse"}
    bob = shop.ask("POST", "/v1/accounts", person)["token"]
    until("Bob's letter is refused", lambda: "bob@mail.example" in sink.refused)
    same("refused", sink.to("bob@mail.example"), [])
    # Never: given up at once.
    sink.moods["eve@mail.example"] = ["550 no such user"]
    shop.ask("POST", "/v1/accounts", person | {"email": "eve@mail.example"})
    until("Eve's letter is refused", lambda: "eve@mail.example" in sink.refused)
    shop.ask("POST", "/v1/demo/clock", {"advance": 300})
    sink.wait("bob@mail.example", 1, "Bob's letter")
    shop.ask("POST", "/v1/demo/clock", {"advance": 90_000})

    # A new password, by the link in a letter.
    shop.send("POST", "/v1/password-resets", {"email": "nobody@mail.example"})
    shop.send("POST", "/v1/password-resets", {"email": "bob@mail.example"})
    reset, _ = parts(sink.wait("bob@mail.example", 2, "the letter with the link")[1])
    body = {"token": after(reset, "/reset?token="), "password": "another horse"}
    same("a look", shop.status("GET", "/v1/account", None, bob), 200)
    shop.send("POST", "/v1/password-resets/complete", body)
    same("the link again", shop.refused("POST", "/v1/password-resets/complete", body)["code"], "link_refused")
    same("the old session", shop.status("GET", "/v1/account", None, bob), 401)
    same("the old password", shop.status("POST", "/v1/sessions", person), 401)
    bob = shop.ask("POST", "/v1/sessions", person | {"password": "another horse"})["token"]
    sink.wait("bob@mail.example", 3, "the letter that it was changed")

    # An address is to be verified from now on.
    shop.ask("PATCH", "/v1/admin/settings", {"mail": {"verify": True}}, shop.admin)
    same("missing", shop.ask("GET", "/v1/account", token=bob)["missing"], ["email_verified"])
    shop.send("POST", "/v1/account/verification", None, bob)
    verify, _ = parts(sink.wait("bob@mail.example", 4, "the letter to verify")[3])
    shop.send("POST", "/v1/verifications", {"token": after(verify, "/verify?token=")})
    same("missing", shop.ask("GET", "/v1/account", token=bob)["missing"], [])

    same("Eve", (sink.to("eve@mail.example"), sink.refused.count("eve@mail.example")), ([], 1))
    same("nobody", sink.to("nobody@mail.example"), [])
    names = [message["Message-ID"] for to in ("ada", "bob") for message in sink.to(f"{to}@mail.example")]
    same("doubled", len(set(names)), len(names))
    print(f"{len(names)} letters were taken over STARTTLS, each once; refusals were waited out or given up")


with tempfile.TemporaryDirectory() as folder:
    home, scrip = os.path.join(folder, "shop"), os.environ["SCRIP_BIN"]
    init = [scrip, "init", home, "--token-code", "AUR", "--scale", "2", "--worth", "1 = 1.00 EUR"]
    init += ["--listen", "127.0.0.1:0", "--json"]
    made = json.loads(subprocess.run(init, check=True, capture_output=True, text=True).stdout)
    authority, context = certificates(folder)
    sink = Sink()
    controller = Controller(
        sink, hostname="127.0.0.1", port=free_port(), require_starttls=True, tls_context=context,
        auth_required=True, auth_require_tls=True, authenticator=authenticate,
    )
    controller.start()
    settings = {
        "SCRIP_MAIL_SERVER": "localhost",
        "SCRIP_MAIL_PORT": str(controller.port),
        "SCRIP_MAIL_TLS": "starttls",
        "SCRIP_MAIL_USER": USER,
        "SCRIP_MAIL_PASSWORD": PASSWORD,
        "SCRIP_MAIL_FROM": "Aurora Instruments <shop@shop.example>",
        "SCRIP_MAIL_REPLY_TO": "help@shop.example",
        # The authorities of this machine, for this server.
        "SSL_CERT_FILE": authority,
        "SCRIP_DEMO": "true",
        "SCRIP_LOG_FILTER": "error",
    }
    serve = [scrip, "serve", "--config", made["config"]]
    serve = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=os.environ | settings)
    try:
        listening = serve.stdout.readline().split()[-1]
        check(Vendor(listening, made["admin_key"]), sink)
        subprocess.run([scrip, "doctor", "--config", made["config"]], check=True, capture_output=True)
    finally:
        serve.terminate()
        serve.wait()
        controller.stop()
