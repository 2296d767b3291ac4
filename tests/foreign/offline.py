"""docs/examples/offline.py, with joserfc, says of codes, leases, lists and chains what scrip-license says."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../docs/examples"))

from offline import check  # noqa: E402 - the example lies elsewhere

program = os.path.join(os.path.dirname(os.environ["SCRIP_BIN"]), "examples", "papers")
papers = json.loads(subprocess.run([program], capture_output=True, check=True).stdout)
said = set()
for case in papers["cases"]:
    file = {"code": case["code"], "keys": case["chain"], "lease": case["lease"], "revocations": case["revocations"]}
    reason = check(papers["keys"], papers["issuer"], papers["product"], file, papers["fingerprint"], papers["now"])
    assert reason == case["reason"], f"{case['name']}: {reason}, not {case['reason']}"
    said.add(reason)
assert len(papers["cases"]) > 40 and len(said) > 12, said
print(f"joserfc says the same of {len(papers['cases'])} papers, with {len(said)} reasons")
