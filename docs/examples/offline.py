"""May a program run here, now? The checks of the crate `scrip-license`, in Python with joserfc.

    check(SHIPPED, "ven_...", "prd_...", license_file, "this machine")   # "VALID", or the reason why not

`SHIPPED` is the shop's /.well-known/jwks.json of the day when the program was built; `license_file` is what lies beside it:
{"code": "...", "keys": ["..."], "lease": "...", "revocations": "..."}. What it does not do is count: see docs/offline.md.
"""

import hashlib
import json
import time

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

TOLERANCE = 24 * 60 * 60  # seconds that a clock may be behind


class Refused(Exception):
    """Its text is a stable reason code."""


def read(text, typ, keys):
    """The claims of a document of this kind, signed with one of these keys."""
    try:
        header = jws.extract_compact(text.encode()).headers()
    except (JoseError, ValueError):
        raise Refused("UNKNOWN_CODE") from None
    if header.get("typ") != typ or header.get("alg") != "EdDSA" or set(header) != {"alg", "kid", "typ"}:
        raise Refused("UNKNOWN_CODE")
    try:
        key = OKPKey.import_key(keys[header["kid"]])
        return json.loads(jws.deserialize_compact(text, key, algorithms=["EdDSA"]).payload)
    except (KeyError, JoseError, ValueError):
        raise Refused("BAD_SIGNATURE") from None


def follow(keys, issuer, chain):
    """The keys, and all that they announce, directly or through others."""
    keys, known = dict(keys), None
    while known != len(keys):
        known = len(keys)
        for link in chain:
            try:
                said = read(link, "scrip-key+jwt", keys)
            except Refused:
                continue
            if said["iss"] == issuer:
                # The name is reckoned from the key (RFC 7638), never believed.
                keys[OKPKey.import_key(said["jwk"]).thumbprint()] = said["jwk"]
    return keys


def judge_lease(text, code, dead, machine, keys, now):
    """Refuses a lease that does not make this code good on this machine."""
    if not text:
        raise Refused("NOT_ACTIVATED")
    try:
        lease = read(text.strip(), "scrip-lease+jwt", keys)
    except Refused as refused:
        raise Refused("BAD_SIGNATURE" if str(refused) == "BAD_SIGNATURE" else "NOT_ACTIVATED") from None
    if any(lease[name] != code[name] for name in ("iss", "lic", "prd")):
        raise Refused("NOT_ACTIVATED")
    if lease["mac"] != machine:
        raise Refused("WRONG_MACHINE")
    if now + TOLERANCE < lease["iat"]:
        raise Refused("CLOCK_ROLLBACK")
    if dead and lease["iat"] <= dead["iat"] and lease["jti"] in dead.get("ended", []):
        raise Refused("NOT_ACTIVATED" if lease["jti"].startswith("act_") else "LEASE_EXPIRED")
    if now >= lease["exp"]:
        raise Refused("LEASE_EXPIRED")


def judge(shipped, issuer, product, papers, fingerprint, now):
    keys = {key["kid"]: key for key in shipped["keys"]}
    keys = follow(keys, issuer, papers.get("keys", []))
    code = read(papers["code"].strip(), "scrip-license+jwt", keys)
    if code["iss"] != issuer:
        raise Refused("UNKNOWN_CODE")
    if code["prd"] != product:
        raise Refused("WRONG_PRODUCT")

    dead = None
    if papers.get("revocations"):
        try:
            dead = read(papers["revocations"].strip(), "scrip-revocations+jwt", keys)
        except Refused:
            pass  # whoever gives us a false list gets nothing by it
    if dead and (dead["iss"] != issuer or dead.get("prd") not in (None, product)):
        dead = None
    if dead:
        last, reason = dead.get("dead", {}).get(code["lic"], (0, None))
        if int(code["jti"].removeprefix(code["lic"] + ".")) <= last:
            raise Refused(reason)
        if now + TOLERANCE < dead["iat"]:
            raise Refused("CLOCK_ROLLBACK")

    if now + TOLERANCE < code["nbf"]:
        raise Refused("NOT_STARTED")
    machine = hashlib.sha256(b"scrip machine\n" + fingerprint.encode()).hexdigest()
    try:
        judge_lease(papers.get("lease"), code, dead, machine, keys, now)
    except Refused as refused:
        if str(refused) == "CLOCK_ROLLBACK":
            raise
        if now >= code.get("exp", now + 1):
            raise Refused("EXPIRED") from None
        if code.get("act") == "required":
            raise


def check(shipped, issuer, product, papers, fingerprint, now=None):
    """"VALID", or the reason why not."""
    try:
        judge(shipped, issuer, product, papers, fingerprint, int(time.time()) if now is None else now)
        return "VALID"
    except Refused as refused:
        return str(refused)
