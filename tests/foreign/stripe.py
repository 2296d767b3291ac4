"""The Stripe adapter against localstripe: approved, declined, checked, refunded, disputed, and every answer lost once."""

import os
import socket
import subprocess
import sys
import tempfile

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = str(probe.getsockname()[1])

program = os.path.join(os.path.dirname(os.environ["SCRIP_BIN"]), "examples", "localstripe")
command = [sys.executable, "-m", "localstripe", "--port", port, "--from-scratch"]
quiet = {"PYTHONUNBUFFERED": "1"}
with (
    tempfile.TemporaryFile() as log,
    subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | quiet) as fake,
):
    try:
        if not any("Running on" in line for line in fake.stdout):
            raise SystemExit("localstripe does not start")
        checked = subprocess.run([program, port], check=False)
    finally:
        fake.terminate()
    if checked.returncode != 0:
        log.seek(0)
        print(log.read().decode()[-5000:])
        raise SystemExit("the adapter did not hold against localstripe")
