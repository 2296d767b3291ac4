"""A shop of our own binary for the checks of foreign software: a demo server and what was bought there."""

import json
import os
import random
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


PATIENCE = 60


def free_port(count=1):
    """The first of `count` ports in a row that nobody has. Below those that the system gives to whoever connects, one
    of which could be taken between this look and the use."""
    for first in random.sample(range(10_000, 32_000), 1_000):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise AssertionError("no free port is found")


def same(what, found, expected):
    """Ends the check where the two differ."""
    if found != expected:
        raise SystemExit(f"{what}: {found!r} instead of {expected!r}")


def until(what, look):
    """What `look` gives as soon as it gives something. Other programs say nothing of when they are done."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise SystemExit(f"{what}: not within {PATIENCE} seconds")


class Shop:
    """`scrip demo`, kept in a folder that goes with it, after its story has been told."""

    # Of each of its buyers.
    password = "correct horse"

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        # Four servers, and the lines to two of them.
        port = free_port(6)
        command = [os.environ["SCRIP_BIN"], "demo", "--json", "--port", str(port)]
        command += ["--keep", os.path.join(self.folder.name, "town")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.admin = None
        for line in self.process.stdout:
            said = json.loads(line)
            if "servers" in said:
                self.url, self.admin = said["servers"][0]["url"], said["servers"][0]["admin_key"]
            if not said.get("ok", True):
                raise SystemExit(f"a step of the demo did not hold: {line}")
            if said.get("end"):
                return self
        raise SystemExit("the demo ended before its story did")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def ask(self, method, path, body=None, token=None, key=None):
        """The JSON that the server answers; an error status ends the check."""
        try:
            return self.send(method, path, body, token, key)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.read().decode()}") from None

    def refused(self, method, path, body, token=None, key=None):
        """The problem that the server answers; any other answer ends the check."""
        try:
            raise SystemExit(f"{method} {path}: {self.send(method, path, body, token, key)}")
        except urllib.error.HTTPError as error:
            return json.load(error)

    def send(self, method, path, body=None, token=None, key=None):
        request = urllib.request.Request(self.url + path, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if key:
            request.add_header("Idempotency-Key", key)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    def buyer(self, email):
        """A buyer's session, with 100 tokens."""
        opened = self.ask("POST", "/v1/accounts", {"email": email, "password": self.password})
        tokens = {"amount": 1_000_000, "unit": "AUR"}
        self.ask("POST", "/v1/top-ups", {"tokens": tokens, "method": "demo"}, opened["token"], "fund")
        return opened["token"]

    def buy(self, slug, token):
        """The paid order of a product's first offer."""
        offer = self.ask("GET", f"/v1/products/{slug}", token=token)["offers"][0]
        body = {"lines": [{"offer": offer["id"]}], "expected_total": offer["price"]}
        return self.ask("POST", "/v1/purchases", body, token, f"buy {slug}".replace(" ", "-"))
