"""What schemathesis must know that JSON Schema cannot say: how a whole number is spelled, and what this shop has.

A valid request is fitted to the shop (its units, its ids, bytes with their digest), for which others it
would be wrong. Every second time an id is left as it was made up, so that absent things are asked for too."""

import collections
import hashlib
import itertools
import json
import os

import pyotp
import schemathesis

SHOP = json.loads(os.environ["SCRIP_SHOP"])
ANSWERS = open(os.environ["SCRIP_ANSWERS"], "a", buffering=1)
# By operation, so that no number of others makes one miss its turn.
turns = collections.defaultdict(itertools.count)
drafts = itertools.cycle(SHOP["drafts"])
reviews = itertools.cycle(SHOP["reviews"])
vouchers = itertools.cycle(SHOP["vouchers"])
# Of the buyer's second factor, as far as they were told: what the authenticator knows, and what stands in for it.
told = {"secret": "", "recovery_codes": []}


def has_float_spelling(value):
    """Whether a whole number is spelled as a float: JSON Schema takes 15.0 for an integer, our contract does not."""
    if isinstance(value, dict):
        return any(has_float_spelling(member) for member in value.values())
    if isinstance(value, list):
        return any(has_float_spelling(member) for member in value)
    return isinstance(value, float) and value.is_integer()


@schemathesis.hook
def filter_body(context, body):
    return not has_float_spelling(body)


@schemathesis.hook
def filter_query(context, query):
    """No text has NUL in it, which no database keeps."""
    return not any(isinstance(value, str) and "\0" in value for value in (query or {}).values())


def fitted(value, name=""):
    """The value of a field, fitted to the shop."""
    if name == "files" and isinstance(value, list):
        return [fitted(file) | {"name": f"file-{number}.bin"} for number, file in enumerate(value)]
    if isinstance(value, list):
        return [fitted(member, name) for member in value]
    if isinstance(value, dict):
        whole = {field: fitted(member, field) for field, member in value.items()}
        if "amount" in whole and "unit" in whole:
            whole["unit"] = SHOP["currency" if name in ("pay", "money", "limit", "monthly_limit") else "token"]
            whole["amount"] = min(whole["amount"], 1_000_000)
        if name == "token":
            whole |= {"code": SHOP["token"], "scale": SHOP["scale"]}
        if "offer" in whole:
            whole |= {"quantity": 1}
            # The offer sells what has no end, so it extends nothing.
            whole.pop("license", None)
        if isinstance(whole.get("texts"), dict):
            # The vendor's own language is no further one, and labels are called as many as there are.
            whole["texts"].pop("en", None)
            for texts in whole["texts"].values():
                for labels in ("categories", "tags"):
                    (texts or {}).pop(labels, None)
        # Only a bundle has items, and what has offers already becomes none.
        whole.pop("items", None)
        if whole.get("kind") == "bundle":
            whole["kind"] = "service"
        return whole
    return SHOP["fields"].get(name, value) if isinstance(value, str) else value


def fit_prices(settings):
    """Each currency has one price, and limits are in order."""
    if isinstance(settings.get("prices"), list):
        settings["prices"] = settings["prices"][:1]
        for price in settings["prices"]:
            price["money"]["unit"] = "XTS"
    limits = settings.get("top_up_limits") or {}
    if limits.get("max"):
        limits["max"]["amount"] = max(limits["max"]["amount"], 1)
        if limits.get("min"):
            limits["min"]["amount"] = min(limits["min"]["amount"], limits["max"]["amount"])


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path == "/v1/demo/clock" and isinstance(case.body, dict):
        # Anybody may let time pass, whatever the request is meant to try; the sessions of this check must not end.
        advance = case.body.get("advance")
        if isinstance(advance, int) and not isinstance(advance, bool) and 1 < advance < 2**32:
            case.body["advance"] = 1
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    place = f"{case.method} {case.path}"
    if isinstance(case.body, dict):
        case.body = fitted(case.body)
    if place.endswith((" /v1/account/email", " /v1/account/second-factor")):
        case.body["password"] = SHOP["password"]
        # A code is good once, so that the next one would have to be waited for.
        if told["recovery_codes"] and "POST /v1/account/second-factor" != place:
            case.body["otp"] = told["recovery_codes"][-1]
    if place == "POST /v1/account/second-factor/confirm" and told["secret"]:
        case.body["otp"] = pyotp.TOTP(told["secret"]).now()
    if place == "POST /v1/licenses/return":
        # The lease is for a time only.
        case.body["used"] = 0
    if place == "POST /v1/admin/licenses/{id}/deactivate":
        case.body["activation"] = SHOP["machines"][1]
    if place == "POST /v1/admin/coupons":
        # Each open one has a word of its own.
        case.body.pop("code", None)
    if place == "POST /v1/top-ups" and isinstance(case.body.get("voucher"), str):
        case.body["voucher"] = next(vouchers)
    if place == "POST /v1/admin/top-ups/{id}/received":
        # A part so small that it is due however often it comes.
        case.body["money"]["amount"] = 1
    if place == "POST /v1/top-ups" and case.body["method"] == "card":
        # The account may have no card to pay with at the moment.
        case.body["payment_method"] = SHOP["fields"]["payment_method"]
    if place == "PUT /v1/account/payment-method":
        # What is paid by card afterwards names none.
        case.body["payment_method"] = SHOP["fields"]["payment_method"]
    if place == "PATCH /v1/admin/settings":
        fit_prices(case.body)
    if place == "GET /v1/admin/reports" and isinstance(case.query, dict):
        # Of no more days than a report has.
        case.query.pop("from", None)
        case.query.pop("to", None)
    if isinstance(case.query, dict) and "from" in case.query:
        # A period does not end before it begins.
        case.query.pop("to", None)
    if place == "POST /v1/admin/accounts/{id}/repayments":
        # As little as is owed however often it comes.
        case.body["money"]["amount"] = 1
    if place == "PUT /v1/account/auto-top-up":
        # More afterwards than before, and with a card.
        case.body["below"]["amount"], case.body["to"]["amount"] = 1, 2
        case.body["payment_method"] = SHOP["fields"]["payment_method"]
    if place == "PUT /v1/admin/products/{slug}/offers/{key}" and case.path_parameters["slug"] == "harbour-set":
        # A bundle's offer names others, which a body without regard to the product cannot.
        case.path_parameters["slug"] = "reading-the-tide"
    if place == "POST /v1/licenses/{id}/extend":
        case.body["offer"] = SHOP["counted"]
        if "expected_total" in case.body:
            case.body["expected_total"] = {"amount": SHOP["counted_price"], "unit": SHOP["token"]}
    if place == "POST /v1/purchases":
        # Of a price of one unit only a coupon of all takes something off.
        lessened = isinstance(case.body.get("coupon"), str)
        price = 0 if lessened else SHOP["price"] * len(case.body["lines"])
        case.body["expected_total"] = {"amount": price, "unit": SHOP["token"]}
    if place == "POST /v1/admin/orders/{id}/refunds" and case.body.get("lines"):
        # The order has one line of one unit.
        line = case.body["lines"][0]
        if isinstance(line.get("quantity"), int):
            line["quantity"] = 1
        if isinstance(line.get("amount"), dict):
            line["amount"]["amount"] = 1
        case.body["lines"] = [line]
    if place == "POST /v1/orders/{id}/refund-requests":
        # An order of its own: one that was given back so is not given back otherwise.
        case.path_parameters["id"] = SHOP["paths"][place]["id"]
        case.body["line"] = SHOP["wished"]
    if place == "POST /v1/admin/accounts/{id}/erase":
        # Tokens are left in the wallet.
        case.body["forfeit"] = True
    if place == "POST /v1/demo/seed":
        case.body["accounts"] = min(case.body["accounts"], 3)
    if place == "PUT /v1/admin/objects/{sha256}":
        case.body = case.body if isinstance(case.body, bytes) else b"bytes"
        case.path_parameters["sha256"] = hashlib.sha256(case.body).hexdigest()
    elif next(turns[place]) % 2:
        if place in ("POST /v1/orders/{id}/confirm", "POST /v1/orders/{id}/cancel"):
            case.path_parameters["id"] = next(drafts)
        elif place == "POST /v1/admin/top-ups/{id}/decide":
            case.path_parameters["id"] = next(reviews)
        elif place == "DELETE /v1/payment-methods/{id}":
            # Once: a second time it is gone, and whoever made another one would be told so of this one.
            case.path_parameters |= SHOP["paths"].pop(place, {})
        elif place in SHOP["paths"]:
            case.path_parameters |= SHOP["paths"][place]


@schemathesis.hook
def after_call(context, case, response):
    ANSWERS.write(f"{response.status_code} {case.method} {case.path}\n")
    if case.path.startswith("/v1/account/second-factor") and response.status_code in (200, 201):
        told.update(response.json())
    if case.path in ("/v1/account/email", "/v1/account/second-factor") and response.status_code in (202, 204):
        told["recovery_codes"] = told["recovery_codes"][:-1]
