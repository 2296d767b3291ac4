"""Traces of a purchase over two servers, read by OpenTelemetry's own Protobuf: one trace over both with its parents right, and
nothing in it that is anybody's. Without a collector both answer all the same."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from _pair import Purchase, Server, same
from _shop import free_port
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

BUYER, PASSWORD = "ada@example.com", "correct horse"
AUTHORIZATION = "Bearer of-the-collector"
# All that a span may say.
ATTRIBUTES = {
    "db.collection.name",
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "scrip.command",
    "scrip.request_id",
    "server.address",
    "server.port",
}


class Collector(ThreadingHTTPServer):
    """Keeps the bodies that it is sent. Answers as the protocol says: with an empty object."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Take)
        self.bodies = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def hears(self, server):
        server.env |= {
            "SCRIP_TRACES_ENDPOINT": f"http://127.0.0.1:{self.server_port}/v1/traces",
            "SCRIP_TRACES_AUTHORIZATION": AUTHORIZATION,
        }


class Take(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        same("the address", self.path, "/v1/traces")
        same("the type", self.headers["content-type"], "application/json")
        same("the authorization", self.headers["authorization"], AUTHORIZATION)
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def hexadecimal(read):
    """Ids are hexadecimal in this JSON, where that of Protobuf has base64. Their letters and lengths happen to be good base64,
    so the stock reader takes them; written as base64 again they are what was sent."""
    return base64.b64encode(read).decode()


class Told:
    """A span, with the role of who told it."""

    def __init__(self, role, span):
        self.role, self.name, self.kind, self.status = role, span.name, span.kind, span.status.code
        self.begin, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.trace, self.id = hexadecimal(span.trace_id), hexadecimal(span.span_id)
        self.parent = hexadecimal(span.parent_span_id)
        self.says = {one.key: one.value for one in span.attributes}
        same(f"the lengths of ids of {self.name}", (len(self.trace), len(self.id)), (32, 16))
        same(f"{self.name} ends after it begins", self.begin <= self.end, True)
        same(f"what {self.name} says besides", set(self.says) - ATTRIBUTES, set())
        numbers = {key for key, value in self.says.items() if value.WhichOneof("value") != "string_value"}
        same(f"the numbers of {self.name}", numbers - {"http.response.status_code", "server.port"}, set())


def spans_of(bodies):
    spans = []
    for body in bodies:
        request = json_format.Parse(body, ExportTraceServiceRequest())
        for of in request.resource_spans:
            who = {one.key: one.value.string_value for one in of.resource.attributes}
            same("the service", who["service.name"], "scrip")
            spans += [Told(who["scrip.role"], span) for scope in of.scope_spans for span in scope.spans]
    same("ids are given once", len({span.id for span in spans}), len(spans))
    return spans


def the_one(what, spans):
    if len(spans) != 1:
        raise SystemExit(f"{what}: {[(span.role, span.name, span.trace) for span in spans]}")
    return spans[0]


def bought(collector):
    """A purchase over both servers; gives what nobody else may know."""
    pay = Server("pay", "provider")
    collector.hears(pay)
    with pay:
        shop = Server("shop", "merchant", provider=pay.url)
        collector.hears(shop)
        with shop:
            invitation = pay.register(shop.public_url, invite=True)["invitation"]
            for _ in range(2):
                shop.staff("admin", "provider", "accept", invitation)
            offer, ada = shop.service(), pay.buyer(BUYER)
            one = Purchase(shop, pay, offer, ada, "bought-with-a-key")
            back = one.decide("confirm")
            session = shop.ask("POST", "/v1/sessions", {"return_code": back})["token"]
            one.becomes("paid")
            order = shop.ask("GET", one.path, token=session)
            code = order["licenses"][0]["code"]
            pay.sound()
            shop.sound()
            secrets = [BUYER, PASSWORD, ada, session, back, one.token, invitation, pay.admin, shop.admin, code["jws"]]
            return [*secrets, code["short"], order["id"], one.payment, "bought-with-a-key", "AUR", "The tuning", AUTHORIZATION]


def one_trace(spans):
    """From the buyer's request to the merchant, through its call, to what the provider answers and commits."""
    by_id = {span.id: span for span in spans}
    confirm = the_one("confirm", [s for s in spans if s.name == "POST /v1/orders/{id}/confirm" and s.role == "merchant"])
    asked = the_one("opened", [s for s in spans if s.name == "POST /v1/purchase-requests"])
    call = by_id[asked.parent]
    same("who asked", (call.role, call.kind, call.name), ("merchant", Span.SPAN_KIND_CLIENT, "POST"))
    same("who was asked", call.says["server.address"].string_value, "127.0.0.1")
    same("the status", call.says["http.response.status_code"].int_value, 201)
    same("of what the call is a part", call.parent, confirm.id)
    same("one trace", {confirm.trace, call.trace}, {asked.trace})
    same("both answer", (confirm.kind, asked.kind), (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_SERVER))
    commits = [s for s in spans if s.parent == asked.id and s.name == "commit"]
    same("the provider commits", len(commits) >= 1 and commits[0].role, "provider")
    print(f"  one trace: {confirm.name} > {call.name} > {asked.name} > {commits[0].says['scrip.command'].string_value}")
    # Whatever one asks of the other hangs from its call: what was captured, and the notice that the buyer has said yes.
    heard = [s for s in spans if s.name.startswith("POST /v1/purchase-requests/") or s.name == "POST /v1/hooks/provider"]
    for span in heard:
        call = by_id[span.parent]
        same(f"who asked {span.name}", (call.kind, call.trace), (Span.SPAN_KIND_CLIENT, span.trace))
        same(f"{span.name} was asked by the other", call.role == span.role, False)
    same("captures", any(span.name.endswith("/capture") for span in heard), True)
    errors = [(s.role, s.name) for s in spans if s.status == Status.STATUS_CODE_ERROR and s.kind == Span.SPAN_KIND_SERVER]
    same("errors", errors, [])
    hashed = the_one("the password", [s for s in spans if s.name == "hash a password"])
    same("who waits for it", by_id[hashed.parent].name, "POST /v1/accounts")


def check():
    collector = Collector()
    secrets = bought(collector)
    spans = spans_of(collector.bodies)
    one_trace(spans)
    for secret in secrets:
        for body in collector.bodies:
            if secret in body:
                raise SystemExit(f"{secret} is told: {body}")
    print(f"  nothing of {len(secrets)} secrets in {len(spans)} spans")
    collector.shutdown()
    collector.server_close()
    # From here on nobody's.
    collector.server_port = free_port()
    bought(collector)
    print("  without a collector: bought all the same")


check()
