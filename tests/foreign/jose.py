"""Authorization codes are verified by joserfc, also after key rotation; damaged ones are not."""

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from _shop import Shop


def claims(code, keys):
    return jws.deserialize_compact(code, keys, algorithms=["EdDSA", "Ed25519"])


with Shop() as shop:
    ada = shop.buyer("ada@jose.example")
    order = shop.buy("tide-of-the-day", ada)
    code = order["licenses"][0]["code"]["jws"]
    keys = KeySet.import_key_set(shop.ask("GET", "/.well-known/jwks.json"))
    good = claims(code, keys)
    assert good.headers()["typ"] == "scrip-license+jwt", good.headers()
    assert order["id"].encode() in good.payload, good.payload

    head, payload, signature = code.split(".")
    flipped = ("A" if payload[20] != "A" else "B").join([payload[:20], payload[21:]])
    for damaged in [f"{head}.{flipped}.{signature}", f"{head}.{payload}.{signature[::-1]}"]:
        try:
            claims(damaged, keys)
        except (JoseError, ValueError):
            continue
        raise SystemExit("a damaged code was accepted")

    before = len(keys.keys)
    shop.ask("POST", "/v1/admin/keys/rotate", token=shop.admin)
    later = shop.buy("reading-the-tide", ada)["licenses"][0]["code"]["jws"]
    keys = KeySet.import_key_set(shop.ask("GET", "/.well-known/jwks.json"))
    assert len(keys.keys) == before + 1, "the retired key is still published"
    old, new = claims(code, keys).headers()["kid"], claims(later, keys).headers()["kid"]
    assert old != new, "the new key signs"
    again = shop.ask("GET", f"/v1/orders/{order['id']}", token=ada)
    assert again["licenses"][0]["code"]["jws"] == code, "an old code is shown as it was"
    print("joserfc verified codes before and after a rotation, and refused damaged ones")
