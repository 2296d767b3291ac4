"""Servers of our own binary for the checks of two of them: each with its role, its database and its address."""

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pg8000.native
from _shop import free_port, same, until

# So much is left of 10.00 after a purchase of 2.50.
TOKENS, PRICE = 1000, 250


class Server:
    """`scrip serve` in a folder of its own. It can be killed and started anew."""

    def __init__(self, name, role, database=None, public_url=None, provider=None, token="AUR"):
        self.folder = tempfile.TemporaryDirectory()
        self.home = os.path.join(self.folder.name, name)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.public_url = public_url or self.url
        command = [os.environ["SCRIP_BIN"], "init", self.home, "--json", "--demo", "--name", name]
        command += ["--token-code", token, "--token-name", token.title(), "--scale", "2"]
        command += ["--listen", f"127.0.0.1:{port}", "--public-url", self.public_url]
        command += ["--database", database] if database else []
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        same(f"init of {name}: {made.stderr}", made.returncode, 0)
        self.admin = json.loads(made.stdout)["admin_key"]
        self.env = {**os.environ, "SCRIP_ROLES": role}
        if provider:
            self.env["SCRIP_PROVIDER_URL"] = provider
        self.config = os.path.join(self.home, "scrip.toml")
        self.log = open(os.path.join(self.folder.name, "log"), "a+")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait()
        if kind:
            self.log.seek(0)
            print(self.log.read()[-8000:])
        self.log.close()
        self.folder.cleanup()

    def start(self):
        command = [os.environ["SCRIP_BIN"], "serve", "--config", self.config]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        if not self.process.stdout.readline().startswith("listening"):
            self.log.seek(0)
            raise SystemExit(f"a server does not start: {self.log.read()}")

    def run(self, *words, code=0, passphrase=None):
        """What `scrip` prints for these words, with this server's environment."""
        env = {**self.env, "SCRIP_PASSPHRASE": passphrase} if passphrase else self.env
        ran = subprocess.run([os.environ["SCRIP_BIN"], *words], capture_output=True, text=True, check=False, env=env)
        same(f"scrip {words[0]}\n{ran.stdout}{ran.stderr}", ran.returncode, code)
        return ran.stdout + ran.stderr

    def kill(self):
        """As a power cut does."""
        self.process.kill()
        self.process.wait()

    def send(self, method, path, body=None, token=None, key=None, scheme="Bearer"):
        """The status and the JSON of the answer."""
        request = urllib.request.Request(self.url + path, method=method)
        if token:
            request.add_header("Authorization", f"{scheme} {token}")
        if key:
            request.add_header("Idempotency-Key", key)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def ask(self, method, path, body=None, token=None, key=None, scheme="Bearer"):
        """The JSON of an answer that is none of an error."""
        status, answer = self.send(method, path, body, token, key, scheme)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer}")
        return answer

    def sound(self):
        command = [os.environ["SCRIP_BIN"], "doctor", "--config", self.config]
        examined = subprocess.run(command, capture_output=True, text=True, check=False, env=self.env)
        same(f"the doctor\n{examined.stdout}{examined.stderr}", examined.returncode, 0)

    def register(self, url, invite=False):
        """Enters the merchant at this address; with `invite` it does not sell before it has accepted."""
        much = 1_000_000
        body = {"url": url, "name": "Field Sounds", "return_origins": [url], "threshold": 300}
        body["limits"] = {"order": much, "open": 100, "day": much}
        body["fee"] = {"basis_points": 1000, "fixed": 1}
        return self.ask("POST", "/v1/admin/merchants", body | {"invite": invite}, self.admin)

    def staff(self, *args):
        """What a command of staff says, through this server."""
        command = [os.environ["SCRIP_BIN"], *args, "--server", self.url, "--admin-key", self.admin]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        same(f"{' '.join(args)}: {done.stderr}", done.returncode, 0)
        return done.stdout

    def buyer(self, email):
        """A buyer's session, with 10.00 tokens."""
        opened = self.ask("POST", "/v1/accounts", {"email": email, "password": "correct horse"})
        tokens = {"amount": TOKENS, "unit": "AUR"}
        self.ask("POST", "/v1/top-ups", {"tokens": tokens, "method": "demo"}, opened["token"], "fund")
        return opened["token"]

    def funds(self, token):
        wallet = self.ask("GET", "/v1/wallet", token=token)
        return wallet["available"]["amount"], wallet["held"]["amount"]

    def service(self):
        """The offer of a new service at 2.50."""
        product = {"slug": "tuning", "kind": "service", "title": "The tuning", "instructions": "Call us."}
        self.ask("POST", "/v1/admin/products", product, self.admin)
        offer = {"price": {"amount": PRICE, "unit": "AUR"}, "terms": {"kind": "perpetual"}}
        made = self.ask("PUT", "/v1/admin/products/tuning/offers/standard", offer, self.admin)
        self.ask("POST", "/v1/admin/products/tuning/publish", None, self.admin)
        return made["id"]


class Purchase:
    """An order of a visitor's at the merchant."""

    def __init__(self, shop, pay, offer, buyer, name):
        self.shop, self.pay, self.buyer, self.name = shop, pay, buyer, name
        draft = shop.ask("POST", "/v1/orders", {"lines": [{"offer": offer}], "allow_duplicate": True}, key=f"{name}-draft")
        self.path, self.token = f"/v1/orders/{draft['id']}", draft["order_token"]
        sent = shop.ask("POST", f"{self.path}/confirm", {}, self.token, f"{name}-confirm", "Order")
        way = sent["next_action"]["redirect"]
        same("where the buyer goes", way.startswith(f"{pay.public_url}/pay/"), True)
        self.payment = "/v1/payments/" + way.rsplit("/", 1)[1]

    def decide(self, step):
        """The buyer's yes or no; gives the code with which they go back."""
        self.pay.ask("POST", f"{self.payment}/claim", None, self.buyer)
        done = self.pay.ask("POST", f"{self.payment}/{step}", {}, self.buyer, self.name)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(done["return_url"]).query)
        return query["code"][0]

    def state(self):
        return self.shop.ask("GET", self.path, None, self.token, scheme="Order")["state"]

    def becomes(self, state):
        until(f"{self.name} is {state}", lambda: self.state() == state)


class Proxy(ThreadingHTTPServer):
    """What stands before a provider, under its public address. It can hold back an answer, or a request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Forward)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.behind = None
        self.hold = None
        self.reached, self.go = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def hold_back(self, end, what):
        """The next request to a path that ends so: not passed on (`request`), or not answered (`answer`)."""
        self.reached, self.go = threading.Event(), threading.Event()
        self.hold = (end, what)

    def let_go(self):
        self.hold = None
        self.go.set()

    def waits(self, path, what):
        hold, go = self.hold, self.go
        if hold and path.endswith(hold[0]) and hold[1] == what:
            self.reached.set()
            go.wait()


class Forward(BaseHTTPRequestHandler):
    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.waits(self.path, "request")
        request = urllib.request.Request(self.server.behind + self.path, method=self.command)
        for name, value in self.headers.items():
            if name.lower() not in ("host", "connection", "content-length"):
                request.add_header(name, value)
        if body:
            request.data = body
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        except urllib.error.URLError:
            return self.send_error(502)
        content = answer.read()
        self.server.waits(self.path, "answer")
        with contextlib.suppress(OSError):
            self.send_response(answer.status)
            for name in ("content-type", "cache-control"):
                if value := answer.headers.get(name):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    do_GET = do_POST = forward

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def new_databases(*names):
    """URLs of empty databases in the cluster, which are gone afterwards."""
    cluster = urllib.parse.urlsplit(os.environ["SCRIP_TEST_POSTGRES"])
    where = {"host": cluster.hostname, "port": cluster.port or 5432, "database": cluster.path.strip("/")}
    server = pg8000.native.Connection(cluster.username, password=cluster.password, **where)
    names = [f"{name}_{os.getpid()}" for name in names]
    for name in names:
        server.run(f"CREATE DATABASE {name}")
    try:
        yield [cluster._replace(path=f"/{name}").geturl() for name in names]
    finally:
        for name in names:
            server.run(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


__all__ = ["PRICE", "Proxy", "Purchase", "Server", "TOKENS", "new_databases", "same", "until"]
