"""What servers sign for each other, against a library that is not ours: it signs requests that a provider takes, and
verifies the provider's notice. The merchant here is this script: its keys, its discovery, its ears."""

import base64
import datetime
import json
import secrets
import threading
import urllib.error
import urllib.request
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from _pair import PRICE, Server, same, until
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)
from joserfc import jws
from joserfc.jwk import OKPKey

# The library would rather have the name that RFC 9864 gives the same algorithm; documents have the older one.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")

COVERED = ("@method", "@target-uri", "content-digest", "scrip-issuer")
LATER = datetime.timedelta(minutes=2)


class Request:
    """What the library wants to know of a request."""

    def __init__(self, method, url, headers):
        self.method, self.url, self.headers = method, url, headers


class Merchant(ThreadingHTTPServer):
    """A server that is known by its keys, and hears notices."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = OKPKey.generate_key("Ed25519")
        self.kid = self.key.thumbprint()
        self.heard = []
        self.signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={self.kid: self.key.private_key}),
        )
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def public(self, path):
        jwks = f"{self.url}/.well-known/protocol-jwks.json"
        key = {**self.key.as_dict(private=False), "kid": self.kid, "alg": "EdDSA", "use": "sig"}
        key = {name: key[name] for name in ("kty", "crv", "x", "kid", "alg", "use")}
        return {
            "/.well-known/scrip": {"protocol_jwks_uri": jwks},
            "/.well-known/protocol-jwks.json": {"keys": [key]},
        }.get(path)

    def signed(self, pay, method, path, body=None, key=None, created=None, without=None, nonce=None):
        """A request as the library signs it."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Scrip-Issuer": self.url}
        covered = [name for name in COVERED if name != without]
        if body is not None:
            headers["Content-Type"] = "application/json"
            covered.append("content-type")
        if key:
            headers["Idempotency-Key"] = key
            covered.append("idempotency-key")
        request = Request(method, pay.url + path, headers)
        self.signer.sign(
            request,
            key_id=self.kid,
            created=created or datetime.datetime.now(datetime.timezone.utc),
            nonce=nonce or base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("="),
            label="scrip",
            tag="scrip",
            covered_component_ids=covered,
            **({} if without == "content-digest" else {"body": content}),
        )
        return request, content

    def send(self, request, content):
        """The status and the JSON of the answer."""
        ask = urllib.request.Request(request.url, method=request.method, headers=request.headers)
        ask.data = content or None
        try:
            with urllib.request.urlopen(ask) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def ask(self, pay, method, path, body=None, key=None):
        status, answer = self.send(*self.signed(pay, method, path, body, key))
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer}")
        return answer

    def document(self, typ, claims):
        header = {"alg": "EdDSA", "typ": typ, "kid": self.kid}
        return jws.serialize_compact(header, json.dumps(claims), self.key, algorithms=["EdDSA"])


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.public(self.path)
        content = json.dumps(found or {}).encode()
        self.send_response(200 if found else 404)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append((self.path, dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def offer(merchant, pay, order):
    claims = {"iss": merchant.url, "aud": pay.public_url, "jti": secrets.token_hex(16)}
    claims |= {"iat": int(datetime.datetime.now().timestamp()), "order": order, "token": "AUR"}
    claims["lines"] = [{"line": "lin_1", "title": "A foreign thing", "quantity": 1, "price": PRICE}]
    claims |= {"total": PRICE, "return_url": f"{merchant.url}/return"}
    claims |= {"pay_seconds": 600, "hold_seconds": 600, "fulfil_seconds": 86400, "refund_seconds": 1209600}
    return {"offer": merchant.document("scrip-offer+jwt", claims)}


def refused(merchant, pay):
    """Whatever is a little wrong with a signature is refused, and with one and the same word."""
    path = "/v1/merchant/balance"
    now = datetime.datetime.now(datetime.timezone.utc)
    good, content = merchant.signed(pay, "GET", path)
    other, _ = merchant.signed(pay, "GET", "/v1/merchant/transfers")
    moved = Request("GET", good.url, other.headers)
    bent, _ = merchant.signed(pay, "POST", "/v1/return-codes", {"code": "one"})
    cases = {
        "old": merchant.signed(pay, "GET", path, created=now - LATER),
        "of the future": merchant.signed(pay, "GET", path, created=now + LATER),
        "without an issuer": merchant.signed(pay, "GET", path, without="scrip-issuer"),
        "for another address": (moved, b""),
        "with another body": (bent, b'{"code": "two"}'),
        "of a stranger": stranger(merchant, pay, path),
    }
    same("the good one", merchant.send(good, content)[0], 200)
    cases["a second time"] = (good, content)
    for name, case in cases.items():
        status, answer = merchant.send(*case)
        same(name, (status, answer["code"]), (401, "signature_refused"))
    print(f"  refused: {', '.join(cases)}")


def stranger(merchant, pay, path):
    other = Merchant()
    request, content = other.signed(pay, "GET", path)
    request.headers["Scrip-Issuer"] = merchant.url
    return request, content


def verified(pay, merchant, request):
    """The provider's notice, by its public key and the library."""
    until("the provider tells", lambda: merchant.heard)
    path, headers, body = merchant.heard[0]
    same("where to", path, "/v1/hooks/provider")
    same("what", json.loads(body), {"type": "purchase_request.authorized", "request": request["id"]})
    headers = {name.lower(): value for name, value in headers.items()}
    same("by whom", headers["scrip-issuer"], pay.public_url)
    discovery = pay.ask("GET", "/.well-known/scrip")
    keys = pay.ask("GET", discovery["protocol_jwks_uri"].removeprefix(pay.public_url))["keys"]
    decode = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    keys = {key["kid"]: Ed25519PublicKey.from_public_bytes(decode(key["x"])) for key in keys}
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys=keys, private_keys={}),
    )

    def verify(url, body):
        message = Request("POST", url, headers)
        covered = (*COVERED, "content-type")
        return verifier.verify(
            message, max_age=LATER, expect_tag="scrip", require_components=covered, body=body
        )

    (found,) = verify(merchant.url + path, body)
    same("the label", found.label, "scrip")
    same("chance", len(decode(found.nonce)), 16)
    for url, bent in ((merchant.url + "/v1/hooks", body), (merchant.url + path, body + b" ")):
        try:
            verify(url, bent)
        except InvalidSignature:
            continue
        raise SystemExit("verified without reason")
    print("  the provider's notice is verified, and nothing in its place")


def check():
    merchant = Merchant()
    with Server("pay", "provider") as pay:
        pay.register(merchant.url)
        ada = pay.buyer("ada@example.com")
        refused(merchant, pay)
        body = offer(merchant, pay, "ord_foreign")
        request = merchant.ask(pay, "POST", "/v1/purchase-requests", body, "ord_foreign")
        same("asked again", merchant.ask(pay, "POST", "/v1/purchase-requests", body, "ord_foreign"), request)
        payment = "/v1/payments/" + request["url"].rsplit("/", 1)[1]
        pay.ask("POST", f"{payment}/claim", None, ada)
        pay.ask("POST", f"{payment}/confirm", {}, ada, "yes")
        verified(pay, merchant, request)
        path = f"/v1/purchase-requests/{request['id']}"
        same("captured", merchant.ask(pay, "POST", f"{path}/capture", {})["state"], "captured")
        codes = {"codes": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}
        same("delivered", merchant.ask(pay, "POST", f"{path}/fulfilled", codes)["state"], "fulfilled")
        print("  a merchant that signs with the library sells")
        pay.sound()


check()
