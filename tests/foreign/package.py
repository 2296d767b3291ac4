"""The package for Debian, judged by Debian's and systemd's own tools, and installed, upgraded, removed and purged by dpkg in a
folder: what its scripts ask of this machine is written down, and not done."""

import glob
import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from _shop import free_port, same, until

UNIT = "usr/lib/systemd/system/scrip.service"
ENABLED = "etc/systemd/system/multi-user.target.wants/scrip.service"
# Scripts of the package are given these in place of the machine's own, and say what was asked of them.
ASKED = ["adduser", "install", "systemctl"]


def run(*command, **options):
    """What a program prints, which must end well."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    same(f"{' '.join(command)}\n{done.stdout}", done.returncode, 0)
    return done.stdout


def packed(folder):
    """The package with the binary that the other checks have."""
    run("cargo", "xtask", "package", "--binary", os.environ["SCRIP_BIN"], "--out", folder)
    [package] = glob.glob(os.path.join(folder, "scrip_*.deb"))
    return package


class Root:
    """A folder that dpkg installs into, as if a system were there."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "root")
        self.said = os.path.join(folder, "said")
        fakes = os.path.join(folder, "fakes")
        for made in ("info", "updates", "triggers"):
            os.makedirs(os.path.join(self.path, "var/lib/dpkg", made))
        open(os.path.join(self.path, "var/lib/dpkg/status"), "w").close()
        # Of procps, which the package depends on.
        os.mkdir(os.path.join(self.path, "bin"))
        shutil.copy("/bin/true", os.path.join(self.path, "bin/kill"))
        os.mkdir(fakes)
        for name in ASKED:
            # Of `install` only the folder is needed: its owner is not there.
            then = 'eval "mkdir -m 700 \\"\\${$#}\\""' if name == "install" else ""
            with open(os.path.join(fakes, name), "w") as fake:
                fake.write(f'#!/bin/sh\necho {name} "$@" >>{self.said}\n{then}\n')
            os.chmod(fake.name, 0o755)
        self.env = {**os.environ, "PATH": f"{fakes}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def at(self, path):
        return os.path.join(self.path, path)

    def dpkg(self, *words):
        """What dpkg prints, and what its scripts asked of the machine."""
        open(self.said, "w").close()
        force = ["--force-script-chrootless", "--force-depends"]
        printed = run("fakeroot", "dpkg", f"--root={self.path}", "--log=/dev/null", *force, *words, env=self.env)
        with open(self.said) as said:
            return printed, said.read().replace(self.path, "").splitlines()


def judged(package, again):
    with open(package, "rb") as one, open(again, "rb") as other:
        same("two packages of one binary are the same", one.read() == other.read(), True)
    run("lintian", "--fail-on", "error,warning", package)
    fields = run("dpkg-deb", "--field", package)
    same(f"what it needs\n{fields}", re.search(r"^Depends: libc6 \(>= 2\.\d+\), .*adduser, procps$", fields, re.M) is not None, True)
    for line in run("dpkg-deb", "--contents", package).splitlines():
        mode, owner, path = line.split()[0], line.split()[1], line.split()[-1]
        expected = "drwxr-xr-x" if path.endswith("/") else "-rwxr-xr-x" if path == "./usr/bin/scrip" else "-rw-r--r--"
        same(path, (mode, owner, path.startswith("./usr/") or path == "./"), (expected, "root/root", True))
    print("  lintian finds nothing, and the same binary gives the same package")


def documented(root):
    """The unit and the guides lead to what is there. What lies beside the folder of guides stays with the source."""
    guides = root.at("usr/share/doc/scrip")
    with open(root.at(UNIT)) as unit:
        [named] = re.findall(r"^Documentation=file:/(.*)$", unit.read(), re.M)
    same("the unit's documentation", os.path.isfile(root.at(named)), True)
    for guide in glob.glob(f"{guides}/*.md"):
        with open(guide) as file:
            links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read())
        for link in links:
            if not link.startswith("../") or guide.endswith("/operating.md"):
                same(f"{guide} leads to {link}", os.path.exists(os.path.join(guides, link)), True)
    with gzip.open(f"{guides}/third-party.txt.gz", "rt") as notices:
        theirs = notices.read()
    same("whose notices come along", [name for name in ("\nrusqlite 0.", "\ntokio 1.", "musl") if name not in theirs], [])
    said = run("systemd-analyze", "verify", f"--root={root.path}", "--man=no", "--recursive-errors=no", f"/{UNIT}")
    same("what systemd says of the unit", said, "")
    print("  systemd takes the unit, and links lead to what is installed")


def serves(root):
    """The installed program makes a shop in the folder that the package made, and serves it."""
    program, home = root.at("usr/bin/scrip"), root.at("var/lib/scrip")
    same("its version", re.fullmatch(r"scrip [0-9.]+\n", run(program, "--version")) is not None, True)
    same("the folder", (oct(os.stat(home).st_mode & 0o777), os.listdir(home)), ("0o700", []))
    url = f"http://127.0.0.1:{free_port()}"
    made = run(program, "init", home, "--json", "--listen", url.removeprefix("http://"))
    same("a key", json.loads(made)["admin_key"].startswith("key_"), True)

    def ready():
        try:
            with urllib.request.urlopen(f"{url}/readyz") as answer:
                return answer.status == 200
        except urllib.error.URLError:
            return False

    with open(f"{root.said}.log", "w+") as log:
        server = subprocess.Popen([program, "serve", "--config", f"{home}/scrip.toml"], stdout=log, stderr=log)
        try:
            until("the installed server is ready", ready)
        finally:
            server.terminate()
            ended = server.wait()
            log.seek(0)
            same(f"how it ends\n{log.read()}", ended, 0)
    print("  a shop is made and served by what was installed")


def lived(root, package):
    user = "adduser --system --group --quiet --home /var/lib/scrip --no-create-home scrip"
    home = "install -d -o scrip -g scrip -m 700 /var/lib/scrip"
    reload, restart, stop = "systemctl --system daemon-reload", "systemctl try-restart scrip.service", "systemctl stop scrip.service"

    printed, asked = root.dpkg("--install", package)
    same("installed without systemd", asked, [user, home])
    same(f"what to do next: {printed}", "scrip init /var/lib/scrip" in printed, True)
    documented(root)
    serves(root)

    os.makedirs(root.at("run/systemd/system"))
    os.makedirs(os.path.dirname(root.at(ENABLED)))
    os.symlink(f"/{UNIT}", root.at(ENABLED))
    printed, asked = root.dpkg("--install", package)
    same("upgraded", asked, [user, reload, restart])
    same(f"nothing is to be done next: {printed}", "scrip init" in printed, False)
    books = sorted(os.listdir(root.at("var/lib/scrip")))
    printed, asked = root.dpkg("--remove", "scrip")
    same("removed", asked, [stop, reload])
    same("its files", [os.path.exists(root.at(path)) for path in ("usr/bin/scrip", UNIT)], [False, False])
    same("it is served again when it is installed again", os.path.islink(root.at(ENABLED)), True)
    printed, asked = root.dpkg("--purge", "scrip")
    same("purged", asked, [])
    same(f"the shop stays: {printed}", "/var/lib/scrip stays" in printed, True)
    same("the shop", sorted(os.listdir(root.at("var/lib/scrip"))), books)
    same("the link is gone", os.path.islink(root.at(ENABLED)), False)
    print("  installed, upgraded, removed and purged, and the shop stays")


def unused(root, package):
    """A package without a shop leaves no folder."""
    root.dpkg("--install", package)
    printed, _ = root.dpkg("--purge", "scrip")
    same(f"an empty folder goes: {printed}", (os.path.exists(root.at("var/lib/scrip")), "stays" in printed), (False, False))


with tempfile.TemporaryDirectory() as folder:
    package = packed(f"{folder}/one")
    judged(package, packed(f"{folder}/two"))
    lived(Root(f"{folder}/used"), package)
    unused(Root(f"{folder}/unused"), package)
