"""Goods in a bucket: moto stands for S3. A large file is uploaded by the API, and downloaded whole, by ranges, resumed, with a
ticket, by curl; an upload that is cut, or killed with its server, leaves nothing that counts; a bucket that breaks off, is slow or
goes away never makes a short file look whole; `config check`, `doctor`, backup and restore know of the bucket."""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import boto3
from _pair import PRICE, Server, new_databases, same, until
from _shop import free_port

KEY, SECRET, BUCKET, PREFIX = "AKIDEXAMPLE", "wJalrXUtnFEMI-bPxRfiCYEXAMPLEKEY", "goods", "shop"
SIZE = 100_000_000
PASSPHRASE = "correct horse battery staple"


def noise(size, seed):
    """Bytes in which every part can be told from others."""
    block = b"".join(hashlib.sha256(b"%d %d" % (seed, number)).digest() for number in range(32_768))
    return (block * (size // len(block) + 1))[:size]


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Moto:
    """A server of S3's protocol, with an empty bucket."""

    def __enter__(self):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        server = os.path.join(os.path.dirname(sys.executable), "moto_server")
        command = [server, "--host", "127.0.0.1", "--port", str(port)]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **silent)
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", endpoint_url=self.url, **keys)

        def answers():
            with contextlib.suppress(Exception):
                return self.s3.create_bucket(Bucket=BUCKET)

        until("moto", answers)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def keys(self):
        return {entry["Key"]: entry["Size"] for entry in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}

    def uploads(self):
        return [upload["Key"] for upload in self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


class Line:
    """The way to the bucket, which can be made slow, break off after so many bytes, or be cut."""

    def __init__(self, to):
        self.to = int(to.rsplit(":", 1)[1])
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.is_cut, self.breaks_after, self.pause, self.opened = False, None, 0, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            if self.is_cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.to))
            self.opened += [near, far]
            for here, there, back in ((near, far, False), (far, near, True)):
                threading.Thread(target=self.carry, args=(here, there, back), daemon=True).start()

    def carry(self, here, there, back):
        carried = 0
        with contextlib.suppress(OSError):
            while piece := here.recv(65_536):
                carried += len(piece)
                if back and self.pause:
                    time.sleep(self.pause)
                if back and self.breaks_after is not None and carried > self.breaks_after:
                    break
                there.sendall(piece)
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Nobody comes through any more, and who was under way does not go on."""
        self.is_cut = True
        for end in self.opened:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.opened = []

    def mend(self):
        self.is_cut, self.breaks_after, self.pause = False, None, 0


def configure(shop, url):
    """Puts the goods of a new shop into the bucket."""
    secret = os.path.join(shop.home, "bucket.secret")
    with open(secret, "w") as file:
        file.write(SECRET + "\n")
    os.chmod(secret, 0o600)
    with open(shop.config) as file:
        text = file.read()
    options = {"bucket": BUCKET, "prefix": PREFIX, "endpoint": url, "access_key": KEY, "secret_key_file": "bucket.secret"}
    head, objects = text.split("[objects]\n")
    objects, tables = objects.split("\n[", 1)
    for name, value in options.items():
        same(f"{name} in the configuration", objects.count(f'#{name} = ""'), 1)
        objects = objects.replace(f'#{name} = ""', f'{name} = "{value}"')
    with open(shop.config, "w") as file:
        objects = objects.replace("#path_style = false", "path_style = true")
        file.write(f"{head}[objects]\n{objects}\n[{tables}")


def upload(shop, content, name=None):
    request = urllib.request.Request(f"{shop.url}/v1/admin/objects/{name or digest(content)}", data=content, method="PUT")
    request.add_header("Authorization", f"Bearer {shop.admin}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def sell(shop, content):
    """A product with this file, bought: its license."""
    same("an upload", upload(shop, content), 201)
    shop.ask("POST", "/v1/admin/products", {"slug": "noise", "kind": "download", "title": "Noise"}, shop.admin)
    files = [{"name": "noise.wav", "sha256": digest(content), "media_type": "audio/wav"}]
    shop.ask("PUT", "/v1/admin/products/noise/releases/stable/1.0.0", {"files": files, "publish": True}, shop.admin)
    offer = {"price": {"amount": PRICE, "unit": "AUR"}, "terms": {"kind": "perpetual"}}
    made = shop.ask("PUT", "/v1/admin/products/noise/offers/standard", offer, shop.admin)
    shop.ask("POST", "/v1/admin/products/noise/publish", None, shop.admin)
    ada = shop.buyer("ada@s3.example")
    body = {"lines": [{"offer": made["id"]}], "expected_total": offer["price"]}
    return shop.ask("POST", "/v1/purchases", body, ada, "buy")["licenses"][0]


def get(shop, license, **headers):
    """Status, headers and body of a download; the body is None where it broke off."""
    path = f"{shop.url}/v1/downloads/{license['files'][0]['id']}"
    request = urllib.request.Request(path, headers={"Authorization": f"License {license['code']['short']}", **headers})
    with urllib.request.urlopen(request) as answer:
        try:
            return answer.status, answer.headers, answer.read()
        except Exception:  # http.client.IncompleteRead, ConnectionResetError
            return answer.status, answer.headers, None


def cut_upload(shop, content, kill=False):
    """Sends most of an upload, then goes away; or the server does."""
    host, port = shop.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"PUT /v1/admin/objects/{digest(content)} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n"
        line.sendall(f"{head}Authorization: Bearer {shop.admin}\r\n\r\n".encode())
        line.sendall(content[: len(content) * 3 // 4])
        yield
        if kill:
            shop.kill()


def downloads(shop, license, content, folder):
    status, headers, body = get(shop, license)
    same("a whole download", (status, body == content), (200, True))
    same("its ETag", headers["ETag"], f'"{digest(content)}"')
    for first, last in ((0, 0), (1, 9_999_999), (SIZE - 5, SIZE - 1), (8_388_600, 8_388_620)):
        status, headers, body = get(shop, license, Range=f"bytes={first}-{last}")
        same(f"the range {first}-{last}", (status, body == content[first : last + 1]), (206, True))
        same("what it says", headers["Content-Range"], f"bytes {first}-{last}/{SIZE}")
    file, code = license["files"][0]["id"], license["code"]["jws"]
    ticket = shop.ask("POST", "/v1/downloads/tickets", {"code": code, "file": file})
    with urllib.request.urlopen(ticket["url"]) as answer:
        same("a download by ticket", answer.read() == content, True)
    path = os.path.join(folder, "curl.part")
    direct, header = f"{shop.url}/v1/downloads/{file}", f"Authorization: License {code}"
    curl = ["curl", "-sS", "--fail", "-H", header, "-o", path]
    subprocess.run([*curl, "-r", "0-39999999", direct], check=True)
    subprocess.run([*curl, "-C", "-", direct], check=True)
    with open(path, "rb") as file:
        same("what curl resumed", file.read() == content, True)
    done = shop.run("get", license["code"]["short"], "--server", shop.url, "--out", folder)
    same("scrip get", "is downloaded and whole" in done, True)


def weather(shop, license, content, line):
    """What the way to the bucket does to a download."""
    line.breaks_after = 30_000_000
    status, _, body = get(shop, license)
    same("a bucket that breaks off is asked again", (status, body == content), (200, True))
    line.breaks_after = 1_000
    status, _, body = get(shop, license)
    same("a bucket that gives next to nothing", (status, body), (200, None))
    line.mend()
    line.pause = 0.002
    same("a slow bucket", get(shop, license)[2] == content, True)
    line.mend()
    slow_client(shop, license, content)
    path = f"{shop.url}/v1/downloads/{license['files'][0]['id']}"
    request = urllib.request.Request(path, headers={"Authorization": f"License {license['code']['short']}"})
    with urllib.request.urlopen(request) as answer:
        seen = answer.read(1_000_000)
        line.cut()
        try:
            seen += answer.read()
            raise SystemExit(f"a download ended as if whole after {len(seen)} bytes")
        except OSError:
            pass
        except Exception as error:  # http.client.IncompleteRead
            same("a cut download", type(error).__name__, "IncompleteRead")
    try:
        get(shop, license)
        raise SystemExit("a download began without a bucket")
    except urllib.error.HTTPError as error:
        same("without a bucket", (error.code, json.load(error)["code"]), (503, "busy"))
    same("an upload without a bucket", upload(shop, b"never kept"), 503)
    line.mend()
    same("afterwards", get(shop, license)[2] == content, True)


def slow_client(shop, license, content):
    """Whoever takes little at a time gets all of it, and nobody holds it in memory for them."""
    path = f"{shop.url}/v1/downloads/{license['files'][0]['id']}"
    request = urllib.request.Request(path, headers={"Authorization": f"License {license['code']['short']}"})
    def resident():
        with open(f"/proc/{shop.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    looks = []

    def stands_still():
        looks.append(resident())
        return len(looks) > 10 and len(set(looks[-10:])) == 1

    before = resident()
    with urllib.request.urlopen(request) as answer:
        got = [answer.read(5_000_000)]
        until("a server that reads no further", stands_still)
        grown = looks[-1] - before
        same(f"memory: {grown} KiB more, for a file of {len(content) >> 10} KiB", grown < 40_000, True)
        got.append(answer.read())
    same("what a slow client got", b"".join(got) == content, True)


def cuts(shop, moto, content):
    """Uploads that come to nothing."""
    before = moto.keys()
    same("other bytes than were named", upload(shop, content, digest(b"others")), 400)
    for _ in cut_upload(shop, content):
        until("an upload in parts", moto.uploads)
    until("its end", lambda: not moto.uploads() and moto.keys() == before)
    for _ in cut_upload(shop, content, kill=True):
        until("an upload in parts", moto.uploads)
    same("what a dead server leaves", len(moto.uploads()), 1)
    shop.start()
    same("after the next start", (moto.uploads(), moto.keys()), ([], before))
    same("the same upload once more", upload(shop, content), 201)
    same("and again", upload(shop, content), 200)


def restores(shop, moto, license, content):
    """A backup with the goods, the bucket emptied, and all of it elsewhere."""
    backup = os.path.join(shop.folder.name, "shop.age")
    words = ["backup", backup, "--config", shop.config, "--with-files", "--json"]
    made = json.loads(shop.run(*words, passphrase=PASSPHRASE))
    same("objects in the backup", made["objects"], 2)
    shop.kill()
    for key in moto.keys():
        moto.s3.delete_object(Bucket=BUCKET, Key=key)
    said = shop.run("doctor", "--config", shop.config, code=1)
    same("the doctor without goods", f"{digest(content)} is missing" in said, True)
    home = os.path.join(shop.folder.name, "again")
    shop.run("restore", backup, home, passphrase=PASSPHRASE)
    same("what is in the bucket again", moto.keys()[f"{PREFIX}/objects/{digest(content)[:2]}/{digest(content)}"], SIZE)
    same("what stays in the folder", os.listdir(os.path.join(home, "objects")), [])
    shutil.rmtree(shop.home)
    shop.home, shop.config = home, os.path.join(home, "scrip.toml")
    shop.start()
    same("a download after it", get(shop, license)[2] == content, True)


def checks(shop):
    """`config check` proves that the bucket does what is asked of it, and tells no secret."""
    said = shop.run("config", "check", "--config", shop.config)
    same("a good bucket", "The configuration is good" in said, True)
    with open(shop.config) as file:
        text = file.read()
    for wrong, expected in (
        (text.replace(f'bucket = "{BUCKET}"', 'bucket = "nowhere"'), "NoSuchBucket"),
        (text.replace("access_key =", "#"), "objects lacks access_key"),
        (text.replace("http://127.0.0.1", "http://s3.example"), "must begin with https://"),
    ):
        with open(shop.config, "w") as file:
            file.write(wrong)
        said = shop.run("config", "check", "--config", shop.config, code=1)
        same(f"{expected}: {said}", (expected in said, SECRET in said), (True, False))
    with open(shop.config, "w") as file:
        file.write(text)


def main(database, content):
    with Moto() as moto, tempfile.TemporaryDirectory() as folder:
        shop = Server("shop", "vendor", database)
        line = Line(moto.url)
        configure(shop, line.url)
        with shop:
            checks(shop)
            license = sell(shop, content)
            same("what is in the bucket", list(moto.keys().values()), [SIZE])
            downloads(shop, license, content, folder)
            weather(shop, license, content, line)
            cuts(shop, moto, noise(30_000_000, 2))
            shop.sound()
            if not database:
                restores(shop, moto, license, content)
                shop.sound()
            shop.log.seek(0)
            logged = shop.log.read()
            same("a secret in the log", SECRET in logged or "X-Amz-Signature" in logged, False)
    print(f"goods in a bucket, books on {'PostgreSQL' if database else 'SQLite'}: all of it held")


CONTENT = noise(SIZE, 1)
main(None, CONTENT)
with new_databases("s3") as [url]:
    main(url, CONTENT)
