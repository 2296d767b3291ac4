"""curl, wget and aria2 resume a download that was cut, and the digest is right."""

import hashlib
import os
import subprocess
import tempfile

from _shop import Shop

with Shop() as shop, tempfile.TemporaryDirectory() as folder:
    ada = shop.buyer("ada@downloads.example")
    license = shop.buy("white-noise", ada)["licenses"][0]
    file, code = license["files"][0], license["code"]["jws"]
    ticket = shop.ask("POST", "/v1/downloads/tickets", {"code": code, "file": file["id"]})
    url = ticket["url"] if ticket["url"].startswith("http") else shop.url + ticket["url"]
    header = f"Authorization: License {code}"
    direct = f"{shop.url}/v1/downloads/{file['id']}"
    tools = {
        "curl": ["curl", "-sS", "--fail", "-C", "-", "-H", header, "-o", "curl.part", direct],
        "wget": ["wget", "-q", "-c", "--header", header, "-O", "wget.part", direct],
        "aria2": ["aria2c", "-q", "-c", "-x4", "-s4", "-o", "aria2.part", url],
    }
    for tool, command in tools.items():
        path = os.path.join(folder, f"{tool}.part")
        cut = ["curl", "-sS", "--fail", "-r", "0-99999999", "-H", header, "-o", path, direct]
        subprocess.run(cut, check=True)
        assert os.path.getsize(path) == 100_000_000, "the first part is there"
        subprocess.run(command, check=True, cwd=folder)
        with open(path, "rb") as whole:
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
        assert digest == file["sha256"], f"{tool}: {digest} is not {file['sha256']}"
        os.remove(path)
        print(f"{tool} resumed {file['size']} bytes")
