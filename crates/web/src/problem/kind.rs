//! The problem types (RFC 9457): one table of what every code means and what to do about it. Answers, the
//! OpenAPI document and the pages under `/problems` read it; a code that is not in it cannot be answered.

use http::StatusCode;
use serde_json::{Map, Value};

/// A problem type.
#[derive(Debug)]
pub struct Kind {
    /// What callers branch on.
    pub code: &'static str,
    /// The HTTP status of every answer with this code.
    pub status: StatusCode,
    /// The code in words.
    pub title: &'static str,
    /// What it means. A word between backticks is as it stands in a request or an answer.
    pub meaning: &'static str,
    /// What to do about it, in the same way.
    pub remedy: &'static str,
    /// What an answer has of its own: a JSON object with `detail` and further members.
    example: &'static str,
}

impl Kind {
    /// The type with this code.
    pub fn of(code: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|kind| kind.code == code)
    }

    /// Where the code is explained.
    pub fn address(&self) -> String {
        format!("/problems/{}", self.code)
    }

    /// An answer with this code.
    pub fn example(&self) -> Value {
        let mut answer = Map::new();
        answer.insert("type".to_owned(), self.address().into());
        answer.insert("title".to_owned(), self.title.into());
        answer.insert("status".to_owned(), self.status.as_u16().into());
        if let Ok(own) = serde_json::from_str::<Map<String, Value>>(self.example) {
            answer.extend(own);
        }
        answer.insert("code".to_owned(), self.code.into());
        answer.insert("request_id".to_owned(), "req_8f14e45fceea167a".into());
        Value::Object(answer)
    }
}

/// Makes of each row a type, and of all of them the table.
macro_rules! kinds {
    ($($name:ident, $status:ident, $code:literal, $title:literal,
        means $meaning:literal, remedy $remedy:literal, example $example:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Kind = Kind {
                code: $code,
                status: StatusCode::$status,
                title: $title,
                meaning: $meaning,
                remedy: $remedy,
                example: $example,
            };
        )*

        /// Every problem type, by status.
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
MALFORMED, BAD_REQUEST, "malformed", "Malformed body",
    means "The body is not JSON: it does not parse, ends too early, or did not arrive whole.",
    remedy "Send valid JSON in UTF-8; `detail` says where reading stopped. Nothing was changed.",
    example r#"{ "detail": "the body is not JSON: EOF while parsing an object at line 1 column 24" }"#;

UNKNOWN_FIELD, BAD_REQUEST, "unknown_field", "Unknown field",
    means "The body or the query has a field that this route does not know. It is refused rather than \
        ignored, so that a misspelt field does not get lost.",
    remedy "Correct or remove the field that `errors` names.",
    example r#"{ "detail": "there is no field lines[0].quantty", "errors":
        [{ "field": "lines[0].quantty", "code": "unknown", "detail": "there is no field lines[0].quantty" }] }"#;

INVALID_FIELD, BAD_REQUEST, "invalid_field", "Invalid field",
    means "A field, parameter or header is missing, has the wrong type, or is out of its bounds. An \
        amount is a whole number of the smallest unit (`1250`, not `12.5`, `1250.0` or `\"1250\"`), in \
        the unit that is expected there.",
    remedy "Correct what `errors` names: `field` is the path into the body, or the name of the parameter \
        or header. Nothing was changed.",
    example r#"{ "detail": "at least 1", "errors":
        [{ "field": "lines[0].quantity", "code": "invalid", "detail": "at least 1" }] }"#;

IDEMPOTENCY_KEY_MISSING, BAD_REQUEST, "idempotency_key_missing", "No idempotency key",
    means "What this route does must not happen twice, so it takes an `Idempotency-Key`.",
    remedy "Send the header with 1 to 128 visible characters, a new key for each new request. If an answer \
        is lost, send the same request with the same key again: you get the first answer.",
    example r#"{ "detail": "send an Idempotency-Key, a new one for each new request" }"#;

ACCOUNT_REQUIRED, UNAUTHORIZED, "account_required", "Account required",
    means "This needs an account, and the request came without one.",
    remedy "Register or sign in where `links` says, and send the token as `Authorization: Bearer`; `errors` \
        names what registration asks for. An order that was refused carries `selection`: send it to \
        `POST /v1/orders` within 24 hours to go on where you stopped.",
    example r#"{ "detail": "register or sign in first",
        "errors": [{ "field": "email", "code": "required", "detail": "the address that signs in" },
            { "field": "password", "code": "required", "detail": "8 to 200 characters" }],
        "links": { "register": "/v1/accounts", "sign_in": "/v1/sessions" } }"#;

INVALID_CREDENTIALS, UNAUTHORIZED, "invalid_credentials", "Invalid credentials",
    means "The credentials are wrong, or have ended: a session expires, a key can be revoked. Whether an \
        address has an account is never told.",
    remedy "Sign in again, or use another key. `WWW-Authenticate` names the scheme: `Bearer` with a session \
        or an API key, `License` with an authorization code.",
    example r#"{ "detail": "there is no such session or key, or it has ended" }"#;

SECOND_FACTOR_REQUIRED, UNAUTHORIZED, "second_factor_required", "Second factor required",
    means "The password is right, and the account has a second factor: signing in takes a code of it as well.",
    remedy "Ask the buyer for the six digits that their authenticator shows, or for one of their recovery codes, and send it as \
        `otp` beside `email` and `password`.",
    example r#"{ "detail": "send a code of the second factor as well" }"#;

SIGNATURE_REFUSED, UNAUTHORIZED, "signature_refused", "Signature refused",
    means "This route is for other servers, and the request is not signed by one that this server deals with: as \
        RFC 9421 says, within a minute of this server's time, with a nonce that was not used before, and a key that \
        the sender publishes. Which of these it is, is not told.",
    remedy "Compare the clocks, the public address of each server as the other one knows it, and the keys at \
        `protocol_jwks_uri` of the sender. The log of this server says more.",
    example r#"{ "detail": "this request is not signed by a server that this one deals with" }"#;

BALANCE_BELOW_THRESHOLD, PAYMENT_REQUIRED, "balance_below_threshold", "Balance below the threshold",
    means "Ordering, or what you asked to see, opens at a balance that the vendor has set, and yours is \
        below it.",
    remedy "Add what `top_up` says and ask again: `balance` is what you have, `required` the threshold, `shortfall` what is \
        missing. `top_up` is that sum, or with `limited_by` the least (`min`) or the most (`max`) that can be added at once. \
        Nothing was charged.",
    example r#"{ "detail": "ordering opens when your balance reaches the threshold: top up first",
        "required": { "amount": 500, "unit": "AUR", "display": "5.00 AUR" },
        "balance": { "amount": 450, "unit": "AUR", "display": "4.50 AUR" },
        "shortfall": { "amount": 50, "unit": "AUR", "display": "0.50 AUR" },
        "top_up": { "tokens": { "amount": 50, "unit": "AUR", "display": "0.50 AUR" },
            "pay": { "amount": 50, "unit": "EUR", "display": "0.50 EUR" } },
        "links": { "top_up": "/v1/top-ups" } }"#;

INSUFFICIENT_BALANCE, PAYMENT_REQUIRED, "insufficient_balance", "Insufficient balance",
    means "Your wallet does not cover this. Nothing was charged. A confirmation or purchase that was declined \
        is on record, as `order`.",
    remedy "Top up and ask again, with a new `Idempotency-Key`: `shortfall` is what is missing, and `top_up` what can be added of \
        it, as a quote says too; a decline on record has no `top_up`. An order that was declined for \
        its balance can be confirmed until it expires.",
    example r#"{ "detail": "your balance does not cover this: top up first",
        "required": { "amount": 1250, "unit": "AUR", "display": "12.50 AUR" },
        "balance": { "amount": 450, "unit": "AUR", "display": "4.50 AUR" },
        "shortfall": { "amount": 800, "unit": "AUR", "display": "8.00 AUR" },
        "order": "ord_06bq3v8k2m9zc", "state": "declined",
        "links": { "top_up": "/v1/top-ups" } }"#;

CREDIT_DECLINED, PAYMENT_REQUIRED, "credit_declined", "Top-up declined",
    means "The credit assessment of this top-up did not approve it. Nothing was charged; the top-up is on \
        record, as `top_up`.",
    remedy "Try another payment method or amount, with a new `Idempotency-Key`; the same key gives this answer \
        again. `reasons` says what the decision rests on.",
    example r#"{ "detail": "the top-up was declined; nothing was charged", "reasons": ["demo_declined"],
        "top_up": { "id": "top_06bq3v8k2m9zc", "state": "declined" } }"#;

MERCHANT_LIMIT, FORBIDDEN, "merchant_limit", "Merchant's limit",
    means "The provider does not trust the merchant as far as this: its largest order, its open requests, what it may \
        capture in a day, or it is invited or suspended. `detail` says which; of one that is suspended `reason` is `merchant_suspended`. \
        Nothing moved.",
    remedy "Wait until requests are decided or the next day (UTC) begins, or ask the provider for a higher limit.",
    example r#"{ "detail": "too many requests of the merchant are open" }"#;

FORBIDDEN, FORBIDDEN, "forbidden", "Forbidden",
    means "We know you, and you may not do this: the key lacks a scope, or is of the wrong kind. A vendor's \
        key does not buy, and a buyer's does not manage.",
    remedy "Use a key with the scope that `detail` names.",
    example r#"{ "detail": "this needs a vendor's key with the scope catalog" }"#;

ACCOUNT_INCOMPLETE, FORBIDDEN, "account_incomplete", "Account incomplete",
    means "The vendor requires something of every account that yours does not have yet. Until then it permits \
        no orders; top-ups stay open.",
    remedy "Send what `errors` names with `PATCH /v1/account`, then go on where you stopped with `selection`. For \
        `email_verified`, open the link that was sent to the address; `POST /v1/account/verification` sends another.",
    example r#"{ "detail": "complete your account first",
        "errors": [{ "field": "address", "code": "required", "detail": "required of every account" }],
        "links": { "account": "/v1/account" } }"#;

ACCOUNT_FROZEN, FORBIDDEN, "account_frozen", "Account frozen",
    means "The vendor has frozen this account: it permits no transactions. What it owns can still be used.",
    remedy "Ask the vendor.",
    example r#"{ "detail": "the account is frozen: ask the vendor" }"#;

CODE_REFUSED, FORBIDDEN, "code_refused", "Code refused",
    means "The authorization code or the ticket does not open this file.",
    remedy "If the code itself is genuine, `license_code` says why: it has expired, was revoked, is for another \
        product. Without `license_code` it is wrong, or the ticket has ended: copy the code again from your \
        library, or ask for a new ticket.",
    example r#"{ "detail": "the code does not open this file: EXPIRED", "license_code": "EXPIRED" }"#;

LINK_REFUSED, FORBIDDEN, "link_refused", "Link refused",
    means "The link that came by mail opens nothing: it is not one of ours, is too old, was used, or what it was for \
        has changed since.",
    remedy "Ask for a new one: `POST /v1/password-resets`, `POST /v1/account/verification` or `POST /v1/account/email`.",
    example r#"{ "detail": "the link is wrong, too old, or was used: ask for a new one" }"#;

DOWNLOAD_LIMIT, FORBIDDEN, "download_limit", "Downloads used up",
    means "The license includes a number of downloads, and they are used up.",
    remedy "A file that was fetched whole can be fetched again for 24 hours. After that, ask the vendor.",
    example r#"{ "detail": "the downloads of this license are used up; fetching the same file again within 24 hours stays free" }"#;

NOT_FOUND, NOT_FOUND, "not_found", "Not found",
    means "There is nothing at this address, or it is not yours, or your standing does not see it. Which of \
        these it is, is not told.",
    remedy "Check the address. If it is a list's next page, begin without `after`: a cursor belongs to one list \
        and is good for seven days.",
    example r#"{ "detail": "there is nothing here" }"#;

METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed",
    means "There is something at this address, but not with this method.",
    remedy "Use one of the methods that the header `Allow` names.",
    example r#"{ "detail": "this path takes other methods" }"#;

EMAIL_TAKEN, CONFLICT, "email_taken", "Address has an account",
    means "An account with this e-mail address exists already; or, where staff are invited, somebody of them has it.",
    remedy "Sign in with `POST /v1/sessions`, or take another address.",
    example r#"{ "detail": "this address has an account: sign in",
        "errors": [{ "field": "email", "code": "taken", "detail": "this address has an account" }] }"#;

LAST_OWNER, CONFLICT, "last_owner", "Last owner",
    means "The shop would be left without an owner, who alone decides on settings, keys and staff.",
    remedy "Invite another owner with `POST /v1/admin/staff`, and wait until they have joined.",
    example r#"{ "detail": "this is the last owner: another one must have joined first" }"#;

PRICE_CHANGED, CONFLICT, "price_changed", "Price changed",
    means "The selection does not cost what `expected_total` says, or the tokens of a top-up not what `pay` says. \
        Nothing was bought.",
    remedy "Show the buyer the new `total`, or of a top-up the new `pay`, and send it if they agree.",
    example r#"{ "detail": "the total is now another: look again and confirm",
        "total": { "amount": 1400, "unit": "AUR", "display": "14.00 AUR" } }"#;

ALREADY_OWNED, CONFLICT, "already_owned", "Already owned",
    means "The account has a valid perpetual license for a product of this selection.",
    remedy "Leave out the line that `errors` names, or send `allow_duplicate: true` to buy it again.",
    example r#"{ "detail": "you own this already; send allow_duplicate to buy it again",
        "errors": [{ "field": "lines[0].offer", "code": "already_owned", "detail": "owned for good" }] }"#;

TRIAL_USED, CONFLICT, "trial_used", "Trial used",
    means "The account has had its trial of this product, or asks for two at once. There is one, whatever became of it.",
    remedy "Leave out the line that `errors` names, or buy another offer of the product.",
    example r#"{ "detail": "you have tried this already: there is one trial of a product",
        "errors": [{ "field": "lines[0].offer", "code": "trial_used", "detail": "tried before" }] }"#;

NOT_EXTENDABLE, CONFLICT, "not_extendable", "Not extendable",
    means "The license cannot be extended by this offer. `reason` says why: it has no end (`perpetual`), is a `trial`, \
        is of an `other_product` or has `other_terms` than the offer, is `withheld`, `revoked`, `refunded` or `suspended`, \
        would last or count beyond what can be (`too_much`), or is a merchant's, whose provider takes no extensions \
        (`at_provider`).",
    remedy "Choose an offer of the license's product with terms of the same kind, or buy a new license.",
    example r#"{ "detail": "this license cannot be extended by this offer: other_terms", "reason": "other_terms",
        "errors": [{ "field": "lines[0].license", "code": "not_extendable", "detail": "other_terms" }] }"#;

LICENSE_STATE, CONFLICT, "license_state", "License in another state",
    means "The license is in a `state` in which this is not done: only a valid one is suspended or gets a new code, only a \
        suspended one is resumed, and what was revoked or refunded never comes back.",
    remedy "Look at the license. Whoever lost a revoked or refunded one buys a new one.",
    example r#"{ "detail": "the license is revoked", "state": "revoked" }"#;

NOT_IN_REVIEW, CONFLICT, "not_in_review", "Not in review",
    means "The top-up does not wait for a person's word: it went on without one, or somebody gave it already.",
    remedy "Read the top-up: its `assessments` say who decided what, and `state` where it is now.",
    example r#"{ "detail": "the top-up does not wait for review: it is credited" }"#;

TOP_UP_STATE, CONFLICT, "top_up_state", "Top-up in another state",
    means "The top-up is in a state in which this cannot be done: nothing is due for it; or, where its buyer \
        wants to cancel it, some of the money came already; or, where its buyer appeals, it was not declined, or not \
        in the last seven days, or by a person, or its money was reserved; or it is to be refunded, and no money \
        came, or it was paid with a voucher or on credit. `state` says what it is.",
    remedy "Read the top-up again. What is paid in part only staff can cancel.",
    example r#"{ "detail": "nothing is due for this top-up: it is credited", "state": "credited" }"#;

CREDIT_LIMIT, CONFLICT, "credit_limit", "Credit line used up",
    means "The top-up is to be paid on credit, and less is left of the account's credit line than it costs: other \
        top-ups drew on it while this one waited, or its limit was lowered. Nothing moved.",
    remedy "Raise the limit with `PUT /v1/admin/accounts/{id}/credit-limit`, book what was repaid, or decline the \
        top-up.",
    example r#"{ "detail": "less is left of the account's credit line: raise its limit, or decline" }"#;

NOTHING_OWED, CONFLICT, "nothing_owed", "Nothing owed",
    means "A repayment pays what an account owes on its credit line, and it owes nothing. Nothing was booked.",
    remedy "Look at `credit_line` of the account; money for tokens is a top-up that is paid offline.",
    example r#"{ "detail": "nothing is owed by this account" }"#;

ORDER_NOT_DRAFT, CONFLICT, "order_not_draft", "Order in another state",
    means "The order is no draft any more, or, where a receipt was asked for, not paid yet. `state` says what \
        it is.",
    remedy "Read the order again with `GET /v1/orders/{id}`.",
    example r#"{ "detail": "the order is paid", "state": "paid" }"#;

ORDER_EXPIRED, CONFLICT, "order_expired", "Order expired",
    means "A draft holds its prices for 30 minutes, and this one's are over.",
    remedy "Open a new order from the same selection, at today's prices.",
    example r#"{ "detail": "the draft has expired: select again at today's prices" }"#;

PROVIDER_REFUSED, CONFLICT, "provider_refused", "Refused by the provider",
    means "This merchant's buyers pay at a provider, and the provider does not do what was asked of it: it takes no \
        such order, or gives nothing back. `reason` is its word for why. An order is on record as declined; nothing was \
        charged.",
    remedy "Select again, or less; a merchant's staff finds the provider's word explained under its address, at \
        `/problems`.",
    example r#"{ "detail": "the provider does not take this order", "reason": "merchant_limit",
        "order": "ord_06bq3v8k2m9zc", "state": "declined" }"#;

ORDER_NOT_PAID, CONFLICT, "order_not_paid", "Order not paid",
    means "A refund gives back what was paid, and nothing was paid for this order. `state` says what it is.",
    remedy "Read the order again with `GET /v1/orders/{id}`.",
    example r#"{ "detail": "nothing was paid: the order is declined", "state": "declined" }"#;

HOLD_EXPIRED, CONFLICT, "hold_expired", "Hold over",
    means "The merchant came to capture what a buyer had confirmed, and the hold was over, or was taken back before. \
        Nothing was taken.",
    remedy "Do not deliver. The buyer has their tokens; open a new request if they still want it.",
    example r#"{ "detail": "the hold is over: nothing was taken" }"#;

REQUEST_STATE, CONFLICT, "request_state", "Purchase request in another state",
    means "The purchase request, or the connection, is in a state in which this cannot be done: it was declined, is \
        over, is not confirmed yet, or was captured. `state` says what it is.",
    remedy "Read it again.",
    example r#"{ "detail": "the purchase request is expired", "state": "expired" }"#;

MERCHANT_TAKEN, CONFLICT, "merchant_taken", "Merchant registered",
    means "A merchant with this address is registered at this provider.",
    remedy "Change that one with `PATCH /v1/admin/merchants/{id}`.",
    example r#"{ "detail": "a merchant with this address is registered",
        "errors": [{ "field": "url", "code": "taken", "detail": "a merchant with this address is registered" }] }"#;

PARTNER_TAKEN, CONFLICT, "partner_taken", "Partner entered",
    means "A partner with this address was entered before.",
    remedy "Change that one with `PATCH /v1/admin/partners/{id}`.",
    example r#"{ "detail": "a partner with this address was entered",
        "errors": [{ "field": "url", "code": "taken", "detail": "a partner with this address was entered" }] }"#;

PARTNER_SUSPENDED, CONFLICT, "partner_suspended", "Partner suspended",
    means "Nothing is exchanged with this vendor at the moment: one of the two has stopped it. Nothing moved.",
    remedy "Ask again later. What was exchanged before is not touched by it.",
    example r#"{ "detail": "nothing is exchanged with this vendor at the moment" }"#;

PARTNER_REFUSED, CONFLICT, "partner_refused", "Refused by the partner",
    means "The other vendor does not take part; `reason` is the word that it gave. Nothing moved.",
    remedy "Ask again later, or ask the vendor.",
    example r#"{ "detail": "the partner does not link an account now", "reason": "partner_suspended" }"#;

AGREEMENT_STATE, CONFLICT, "agreement_state", "Agreement in another state",
    means "This cannot be done with the agreement as it is: `state` is how it stands, or how the one stands that is in \
        the way.",
    remedy "Read `GET /v1/admin/agreements`. A proposal is accepted or declined by the other side, and withdrawn by the one \
        that made it; what is suspended, taken up again and ended is in force.",
    example r#"{ "detail": "the agreement is withdrawn, or not such as this can be done with", "state": "withdrawn" }"#;

NOT_LINKED, CONFLICT, "not_linked", "Account not linked",
    means "No account at the other vendor is linked to this one, or not any more, or the code with which it was to be \
        linked is wrong, was used, or is too old.",
    remedy "Begin with `POST /v1/partners/{id}/link`, signed in to the account here that is to be linked.",
    example r#"{ "detail": "no account at this partner is linked" }"#;

ALREADY_LINKED, CONFLICT, "already_linked", "Account linked already",
    means "An account at the other vendor is linked to this one. There is one link to each vendor.",
    remedy "To link another one, cut this link first: `DELETE /v1/partners/{id}/link`.",
    example r#"{ "detail": "an account at this partner is linked: cut that link first" }"#;

QUOTE_EXPIRED, CONFLICT, "quote_expired", "Quote expired",
    means "The quote is older than a minute, was used by another exchange, or was made under an agreement that does not hold \
        any more. Nothing moved.",
    remedy "Ask for a new one with `POST /v1/exchange-quotes`.",
    example r#"{ "detail": "the quote is over: ask for a new one" }"#;

EXCHANGE_LIMIT, CONFLICT, "exchange_limit", "Limit of exchanges",
    means "It would be more than the two vendors let be exchanged: `limit` is `buyer_day` or `day`, for one buyer or for all in \
        a day (UTC), or `cap`, for what one vendor may owe the other. Nothing moved.",
    remedy "Exchange less, or tomorrow; the cap is free again when the vendors have settled.",
    example r#"{ "detail": "more than a buyer may exchange in a day", "limit": "buyer_day" }"#;

NOT_EXCHANGEABLE, CONFLICT, "not_exchangeable", "Tokens that cannot be exchanged",
    means "There are enough tokens in the wallet, but less than this of them can be exchanged now: gifts and what was lent never \
        can be, and what was bought only some time after it came. Nothing moved.",
    remedy "Exchange at most `exchangeable`, or wait: `exchangeable_at` of each lot in `GET /v1/wallet` says when.",
    example r#"{ "detail": "of these tokens only 3.00 AUR can be exchanged now",
        "required": { "amount": 500, "unit": "AUR", "display": "5.00 AUR" },
        "exchangeable": { "amount": 300, "unit": "AUR", "display": "3.00 AUR" } }"#;

EXCHANGE_REFUSED, CONFLICT, "exchange_refused", "Exchange refused",
    means "The exchange, or what was asked about it, is refused; `reason` is a stable word, such as `not_this_way`, `quote_used`, \
        `account_frozen` or `wallet_full` at the vendor whose tokens were to be received, or `not_silent` of a write-off that \
        comes too early. Nothing moved.",
    remedy "What the word says: most often a new quote, or another amount.",
    example r#"{ "detail": "the exchange is refused: quote_used", "reason": "quote_used" }"#;

ALREADY_REFUNDED, CONFLICT, "already_refunded", "Already refunded",
    means "All of the order, of a line or of a top-up was given back before or is disputed, or so much that less \
        is left than was asked for. Nothing moved.",
    remedy "Read `GET /v1/admin/orders/{id}/refunds`, or the same of the top-up, and ask for what is left; `errors` \
        names the line.",
    example r#"{ "detail": "less than this is left of the line after what was given back before", "errors":
        [{ "field": "lines[0]", "code": "already_refunded", "detail": "look at the order's refunds" }] }"#;

REFUND_REQUEST_OPEN, CONFLICT, "refund_request_open", "Refund asked for already",
    means "The buyer has asked for this line before, and the vendor has not decided yet: `request` names it.",
    remedy "Wait for the vendor's word: `GET /v1/orders/{id}/refund-requests` tells how it stands.",
    example r#"{ "detail": "you have asked for this line already: the vendor has not decided yet",
        "request": "rfq_06bq3v8k2m9zc" }"#;

REFUND_REQUEST_DECIDED, CONFLICT, "refund_request_decided", "Refund request decided",
    means "The request was accepted or declined before, or has gone another way meanwhile.",
    remedy "Read `GET /v1/admin/refund-requests/{id}`. Of an order whose request was declined tokens can be given back \
        all the same, with `POST /v1/admin/orders/{id}/refunds`.",
    example r#"{ "detail": "it was decided before: the request is declined", "state": "declined" }"#;

ACCOUNT_NOT_SETTLED, CONFLICT, "account_not_settled", "Account not settled",
    means "The account cannot be erased while something of it is open: `open` says what. `balance` is what is in the \
        wallet.",
    remedy "Wait until it is done, or end it: withdraw holds, repay what is owed. Tokens that are left are used up, paid \
        back, or given up with `forfeit`.",
    example r#"{ "detail": "something is open still: balance", "open": ["balance"],
        "balance": { "amount": 1250, "unit": "AUR", "display": "12.50 AUR" } }"#;

TOKENS_SPENT, CONFLICT, "tokens_spent", "Tokens spent",
    means "More of the top-up was to go back than is unspent of its tokens. `available` says how many are.",
    remedy "Give less back, or leave `amount` out to give all that is unspent; refund what was bought with the \
        rest first.",
    example r#"{ "detail": "of the tokens of this top-up 2.00 AUR are unspent",
        "available": { "amount": 200, "unit": "AUR", "display": "2.00 AUR" } }"#;

PAYMENT_METHOD_REMOVED, CONFLICT, "payment_method_removed", "Payment method removed",
    means "This card was removed from the account, and the processor is about to forget it.",
    remedy "Have the processor name the card anew, in the buyer's browser, and send that name.",
    example r#"{ "detail": "this card was removed: have the processor name it anew" }"#;

TOO_MANY_PAYMENT_METHODS, CONFLICT, "too_many_payment_methods", "Too many payment methods",
    means "The account keeps as many cards as an account may.",
    remedy "Remove one with `DELETE /v1/payment-methods/{id}` first.",
    example r#"{ "detail": "an account keeps at most 20 cards: remove one first" }"#;

TOO_MANY_PASSKEYS, CONFLICT, "too_many_passkeys", "Too many passkeys",
    means "The account has as many passkeys as an account may.",
    remedy "Remove one with `DELETE /v1/account/passkeys/{id}` first.",
    example r#"{ "detail": "an account has at most 10 passkeys: remove one first" }"#;

LICENSE_REFUSED, CONFLICT, "license_refused", "License refused",
    means "The license is not in force, or what was asked of one of its machines cannot be. `license_code` says why, by the \
        same words as answers about codes: `MACHINE_LIMIT` when a machine was moved as often as may be within 365 days.",
    remedy "Where moves are used up, `can_move_at` says when there is one again; the vendor's staff can deactivate a machine \
        before. Nothing was changed.",
    example r#"{ "detail": "not done: MACHINE_LIMIT", "license_code": "MACHINE_LIMIT",
        "can_move_at": "2027-11-22T12:00:00.000Z" }"#;

IDEMPOTENCY_KEY_REUSED, CONFLICT, "idempotency_key_reused", "Idempotency key reused",
    means "This `Idempotency-Key` was used for a request with another method, path or body. The other request \
        stands; this one changed nothing.",
    remedy "Use a new key for each new request, and the same key only to repeat the very same one.",
    example r#"{ "detail": "this Idempotency-Key was used for another request: use a new one" }"#;

NOT_FOR_SALE, CONFLICT, "not_for_sale", "Not for sale",
    means "An offer of the selection does not exist, is no longer offered, or is not for your standing.",
    remedy "Replace the line that `errors` names by a current offer of the product.",
    example r#"{ "detail": "this offer is not for sale",
        "errors": [{ "field": "lines[0].offer", "code": "not_for_sale", "detail": "choose a current offer" }] }"#;

STATEMENT_STATE, CONFLICT, "statement_state", "Statement in another state",
    means "The statement of a cycle, or its payment, is in a state in which this cannot be done: it is not agreed yet, is \
        paid, or was given up. `state` says what it is.",
    remedy "Read it again. What is not agreed yet may be a little later: both sides have to say the same first.",
    example r#"{ "detail": "the statement is closed", "state": "closed" }"#;

SETTLEMENT_SIDE, CONFLICT, "settlement_side", "For the other side to do",
    means "Who owes the net amount of a statement instructs its payment and says that it has gone out; who is owed it says \
        that it has come, or gives it up.",
    remedy "Look at `net`: above zero we pay, below the partner does.",
    example r#"{ "detail": "that is for the other side to do: look at net" }"#;

SETTLEMENT_EXISTS, CONFLICT, "settlement_exists", "Instructed already",
    means "The payment of this statement was instructed in another way. Nothing is to be paid twice.",
    remedy "Look at the settlement that `settlement` names.",
    example r#"{ "detail": "the payment was instructed in another way", "settlement": "stl_06bq3v8k2m9zc" }"#;

SETTLEMENT_AMOUNT, CONFLICT, "settlement_amount", "Another amount",
    means "A payment between partners is settled by exactly its amount: neither less nor more, and in its currency. Nothing \
        was booked.",
    remedy "Compare `received` with `due`, and settle the difference with the partner outside.",
    example r#"{ "detail": "12.50 EUR are due", "due": { "amount": 1250, "unit": "EUR", "display": "12.50 EUR" },
        "received": { "amount": 1200, "unit": "EUR", "display": "12.00 EUR" } }"#;

BANK_DETAILS_MISSING, CONFLICT, "bank_details_missing", "Bank account not known",
    means "A file for a bank names both accounts: ours and the partner's. One of them was never entered.",
    remedy "Enter it with `PUT /v1/admin/bank`, or `PUT /v1/admin/partners/{id}/bank`.",
    example r#"{ "detail": "the partner's bank account is not known: enter it first" }"#;

SLUG_TAKEN, CONFLICT, "slug_taken", "Slug taken",
    means "Another product has this slug.",
    remedy "Choose another `slug`.",
    example r#"{ "detail": "another product has this slug: choose another" }"#;

VERSION_TAKEN, CONFLICT, "version_taken", "Version taken",
    means "Another text of this name was published as this version, and what was published stays.",
    remedy "Choose another `version`, or leave it out.",
    example r#"{ "detail": "another text was published as this version: choose another" }"#;

RELEASE_PUBLISHED, CONFLICT, "release_published", "Release is published",
    means "Codes carry the digest of a published release's files, so they can no longer change.",
    remedy "Make a new version. The notes of a published release can still be changed.",
    example r#"{ "detail": "codes carry the digest of a published release's files: make a new version" }"#;

PRODUCT_STATE, CONFLICT, "product_state", "Product in another state",
    means "A product in its state cannot become what was asked for.",
    remedy "Read the product again; `detail` names its state.",
    example r#"{ "detail": "a product that is draft cannot become this" }"#;

TOO_MANY_OFFERS, CONFLICT, "too_many_offers", "Too many offers",
    means "A product has at most 50 offers.",
    remedy "Retire an offer first.",
    example r#"{ "detail": "retire an offer first: a product has at most 50" }"#;

TOO_MANY_BUNDLES, CONFLICT, "too_many_bundles", "Too many bundles",
    means "Bundles close and open with what is in them, in one step, and this is in too many: an offer can be in at most 50 \
        together with the others of its product, and fewer if those bundles have many labels.",
    remedy "Retire offers of some of the bundles first, or take labels from them.",
    example r#"{ "detail": "it is in more bundles than can close or open with it at once: retire some of their offers first" }"#;

COUPON_TAKEN, CONFLICT, "coupon_taken", "Coupon's word taken",
    means "An open coupon has this word.",
    remedy "Choose another `code`, or close that coupon first. If an answer was lost, this may be your own: look \
        at `GET /v1/admin/coupons`.",
    example r#"{ "detail": "an open coupon has this word: choose another, or close that one" }"#;

TOO_MANY_WEBHOOK_ENDPOINTS, CONFLICT, "too_many_webhook_endpoints", "Too many webhook endpoints",
    means "There are as many webhook endpoints as a vendor may have.",
    remedy "Remove one with `DELETE /v1/admin/webhook-endpoints/{id}` first, or have one told of more.",
    example r#"{ "detail": "a vendor has at most 20 webhook endpoints: remove one first" }"#;

KEYS_NOT_KEPT, CONFLICT, "keys_not_kept", "Keys are not kept",
    means "This server keeps no keys on a disk, so a new one would be lost with it.",
    remedy "Run the server on a folder of its own (`scrip init`), and rotate there.",
    example r#"{ "detail": "this server keeps no keys on a disk: a new one would be lost" }"#;

PRECONDITION_FAILED, PRECONDITION_FAILED, "precondition_failed", "Precondition failed",
    means "The file is another than the one that `If-Match` names.",
    remedy "Begin the download again, without the part that is there.",
    example r#"{ "detail": "the file is another than the one you named" }"#;

TOO_LARGE, PAYLOAD_TOO_LARGE, "too_large", "Body too large",
    means "The body is larger than this route takes.",
    remedy "Send less at once; `detail` names the limit.",
    example r#"{ "detail": "a body has at most 65536 bytes" }"#;

UNSUPPORTED_MEDIA_TYPE, UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type",
    means "The body is not sent as JSON.",
    remedy "Send `Content-Type: application/json`.",
    example r#"{ "detail": "send application/json" }"#;

RANGE_NOT_SATISFIABLE, RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "Range not satisfiable",
    means "The file has none of the bytes that `Range` asks for. Often it is there already, whole.",
    remedy "Compare the size with that in `Content-Range`, and the digest with that of the catalogue.",
    example r#"{ "detail": "the file has 1048576 bytes" }"#;

OFFER_REFUSED, UNPROCESSABLE_ENTITY, "offer_refused", "Offer refused",
    means "The offer of a purchase request is not signed by the merchant, is not for this provider, does not add up, or \
        asks for what this provider does not let a merchant have. Nothing was opened.",
    remedy "`errors` names the member of the offer. Write and sign a new one, with a new order.",
    example r#"{ "detail": "the offer is not accepted: not the sum of the lines", "errors":
        [{ "field": "offer.total", "code": "refused", "detail": "not the sum of the lines" }] }"#;

ACCOUNT_REFUSED, UNPROCESSABLE_ENTITY, "account_refused", "Account refused",
    means "A partner's account of a cycle is not signed by it for this server, is about another cycle, or does not add up. \
        Nothing changed.",
    remedy "Sign a right one and send it again.",
    example r#"{ "detail": "its net amount does not follow from its sums" }"#;

SETTLEMENT_REFUSED, UNPROCESSABLE_ENTITY, "settlement_refused", "Settlement refused",
    means "What a partner tells of a payment is not to be believed: the receipt is not signed by it for this server, or is \
        about another payment or amount. Nothing moved.",
    remedy "Compare reference, cycle and amount with the statement.",
    example r#"{ "detail": "the receipt is about another payment" }"#;

AGREEMENT_REFUSED, UNPROCESSABLE_ENTITY, "agreement_refused", "Agreement refused",
    means "A proposal or its acceptance is not such as this server agrees to. `reason` says why: `terms` (`errors` names the \
        member), `signature`, `version`, `state`, `waits`, `notice` or `unknown`.",
    remedy "Propose anew, with what `detail` asks for. Nothing has changed.",
    example r#"{ "detail": "the terms are not such as can be agreed to here: parties[1].token: the token of this vendor",
        "reason": "terms", "errors": [{ "field": "terms.parties[1].token", "code": "refused",
        "detail": "the token of this vendor" }] }"#;

AMOUNT_OUT_OF_BOUNDS, UNPROCESSABLE_ENTITY, "amount_out_of_bounds", "Amount out of bounds",
    means "So much is not exchanged at once: it is less than `min`, more than `max`, or would buy less than the smallest unit of the \
        other token.",
    remedy "Ask for an amount between the two; `GET /v1/partners` tells both.",
    example r#"{ "detail": "at least 1.00 AUR", "min": { "amount": 100, "unit": "AUR", "display": "1.00 AUR" } }"#;

VOUCHER_REFUSED, UNPROCESSABLE_ENTITY, "voucher_refused", "Voucher refused",
    means "The voucher cannot be redeemed by this account now. It may be mistyped, used, expired, closed or used \
        too often by this account; which of these it is, is not told.",
    remedy "Compare it with what was typed, and ask whoever gave it out.",
    example r#"{ "detail": "this voucher cannot be redeemed" }"#;

COUPON_REFUSED, UNPROCESSABLE_ENTITY, "coupon_refused", "Coupon refused",
    means "The coupon cannot be used for this selection by this account now. It may be mistyped, not yet or no \
        longer good, used up, or for other products or a larger total; which of these it is, is not told. \
        Nothing was bought. An order that was selected with it cannot be confirmed once others have used it up.",
    remedy "Compare it with what was typed, or go on without `coupon`: select again, at the full price.",
    example r#"{ "detail": "this coupon cannot be used for this selection" }"#;

RATE_LIMITED, TOO_MANY_REQUESTS, "rate_limited", "Too many tries",
    means "There were too many tries from this source, or for this address or code. Guessing is slowed down.",
    remedy "Wait as many seconds as `Retry-After` says.",
    example r#"{ "detail": "too many tries: wait 30 seconds" }"#;

INTERNAL, INTERNAL_SERVER_ERROR, "internal", "Internal error",
    means "Something is wrong on our side. Whether the request took effect is unknown.",
    remedy "Ask again with the same `Idempotency-Key`; if it stays so, tell the vendor the `request_id`.",
    example r#"{ "detail": "something is wrong on our side: ask again with the same key, or tell us the request id" }"#;

BUSY, SERVICE_UNAVAILABLE, "busy", "Busy",
    means "The server has too much to do at the moment, cannot get at its database or at a file, or had no answer of another \
        server; `detail` says which. Where it lost its database while it wrote, it is unknown whether the request took \
        effect; an order or a refund that waits for another server goes on by itself.",
    remedy "Ask again with the same `Idempotency-Key`, after as many seconds as `Retry-After` says.",
    example r#"{ "detail": "too much at once: ask again" }"#;

RESTORING, SERVICE_UNAVAILABLE, "restoring", "Restoring",
    means "The server was restored from a backup. Before it hears other servers, and before tokens move in its wallets, it \
        fetches what they did since the backup. Nothing was changed.",
    remedy "Ask again with the same `Idempotency-Key`, after as many seconds as `Retry-After` says. The operator sees at \
        `GET /v1/admin/restore` who is still to be heard.",
    example r#"{ "detail": "the server was restored from a backup and hears first what happened since: ask again" }"#;

STORAGE_FULL, INSUFFICIENT_STORAGE, "storage_full", "Storage full",
    means "The server has no room left to write. Nothing was changed; reading goes on.",
    remedy "Ask again later; the operator has to make room.",
    example r#"{ "detail": "the server has no room left to write; nothing was changed" }"#;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Codes are for ever: this list grows, and nothing else.
    #[test]
    fn the_codes_are_those_of_the_contract() {
        let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for kind in ALL {
            by_status.entry(kind.status.as_u16()).or_default().push(kind.code);
        }
        let list = by_status.iter().map(|(status, codes)| format!("{status} {}", codes.join(" ")));
        insta::assert_snapshot!(list.collect::<Vec<_>>().join("\n"), @r"
        400 malformed unknown_field invalid_field idempotency_key_missing
        401 account_required invalid_credentials second_factor_required signature_refused
        402 balance_below_threshold insufficient_balance credit_declined
        403 merchant_limit forbidden account_incomplete account_frozen code_refused link_refused download_limit
        404 not_found
        405 method_not_allowed
        409 email_taken last_owner price_changed already_owned trial_used not_extendable license_state not_in_review top_up_state credit_limit nothing_owed order_not_draft order_expired provider_refused order_not_paid hold_expired request_state merchant_taken partner_taken partner_suspended partner_refused agreement_state not_linked already_linked quote_expired exchange_limit not_exchangeable exchange_refused already_refunded refund_request_open refund_request_decided account_not_settled tokens_spent payment_method_removed too_many_payment_methods too_many_passkeys license_refused idempotency_key_reused not_for_sale statement_state settlement_side settlement_exists settlement_amount bank_details_missing slug_taken version_taken release_published product_state too_many_offers too_many_bundles coupon_taken too_many_webhook_endpoints keys_not_kept
        412 precondition_failed
        413 too_large
        415 unsupported_media_type
        416 range_not_satisfiable
        422 offer_refused account_refused settlement_refused agreement_refused amount_out_of_bounds voucher_refused coupon_refused
        429 rate_limited
        500 internal
        503 busy restoring
        507 storage_full
        ");
    }

    #[test]
    fn every_type_is_explained_and_has_an_example() {
        for kind in ALL {
            assert!(
                std::ptr::eq(Kind::of(kind.code).unwrap(), *kind),
                "{} is there twice",
                kind.code
            );
            let own: Map<String, Value> = serde_json::from_str(kind.example).unwrap();
            assert!(own["detail"].is_string(), "{}", kind.code);
            for text in [kind.meaning, kind.remedy] {
                assert!(text.ends_with('.') && !text.contains("  "), "{}: {text}", kind.code);
                assert!(text.matches('`').count().is_multiple_of(2), "{}: {text}", kind.code);
            }
        }
        assert!(ALL.is_sorted_by_key(|kind| kind.status), "the page lists them by status");
    }
}
