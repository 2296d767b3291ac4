//! The words of letters: what a buyer or the vendor's staff is written, as plain text and as a page that say the same.
//!
//! Pure: the engine says what a letter is about ([`Facts`]), and gets its words. What rows hold is not believed to be
//! one line, nor to be no markup.

mod draft;

use scrip_domain::letter::FactorChange;
use scrip_domain::merchant::Merchant;
use scrip_domain::order::{DeclineReason, Line, Order};
use scrip_domain::refund_request::RefundRequest;
use scrip_domain::session::Browser;
use scrip_domain::top_up::TopUp;
use scrip_domain::{Amount, Timestamp};
use scrip_engine::mail::Words;
use scrip_engine::mail::facts::{Coded, Facts, What};
use scrip_engine::mail::forward::{Forwarded, TEXT};

use self::draft::Draft;
use crate::language::{Voice, day, many, moment, t, text, written};
use crate::money::MoneyOut;
use crate::pages::{host, not_sold};

/// The words of a letter.
pub fn write(facts: &Facts) -> Words {
    let voice = Voice::of(&facts.vendor.settings, Some(facts.language));
    written(voice, || in_words(facts))
}

fn in_words(facts: &Facts) -> Words {
    let name = &facts.vendor.settings.name;
    let draft = match &facts.what {
        What::Welcome => welcome(facts),
        What::Verification { token, until } => verification(facts, token, *until),
        What::Reset { token, until } => reset(facts, token, *until),
        What::PasswordChanged { at } => password_changed(facts, *at),
        What::NewEmail { token, until } => new_email(facts, token, *until),
        What::NewEmailAsked { at } => new_email_asked(facts, *at),
        What::EmailChanged { at } => email_changed(facts, *at),
        What::OrderPaid { order, lines, codes } => paid(facts, order, lines, codes),
        What::OrderDeclined { order, lines, reason } => {
            declined(facts, order, lines, reason.as_deref())
        }
        What::OrderRefunded { order, amount } => refunded(facts, order, *amount),
        What::RefundRefused { order, title, request } => refused(facts, order, title, request),
        What::SignedIn { at, browser } => signed_in(facts, *at, *browser),
        What::KeyMade { at } => key_made(facts, *at),
        What::FactorChanged { at, change } => factor_changed(facts, *at, *change),
        What::PasskeyAdded { at, name } => passkey_added(facts, *at, name),
        What::AccountFrozen { at } => frozen(facts, *at),
        What::AccountThawed { at } => thawed(facts, *at),
        What::RefundAsked { order, title, request } => asked(facts, order, title, request),
        What::Digest { orders, more, total } => digest(facts, orders, *more, *total),
        What::TopUpCredited(top_up) => credited(facts, top_up),
        What::TopUpDeclined(top_up) => not_credited(facts, top_up),
        What::TopUpRefunded(top_up) => given_back(facts, top_up),
        What::AutoTopUpStopped => stopped(facts),
        What::TokensExpiring { tokens, first, last } => expiring(facts, *tokens, *first, *last),
        What::LicenseExpiring { title, at, license } => {
            let link = facts.link(&format!("/library/{}", license.id));
            Draft::new(text!("{title} ends on {day}", title, day = day(*at)), t("It ends soon"))
                .text(text!(
                    "Your {title} from {name} ends on {time}.",
                    title,
                    name,
                    time = moment(*at)
                ))
                .text(t("You can extend it before then; what you have is kept."))
                .button(t("Look at it"), link)
        }
        What::LicenseReissued(coded) => reissued(facts, coded),
        What::ReviewWaiting(top_up) => review(facts, top_up),
        What::Disputed(top_up) => disputed(facts, top_up),
        What::WebhookDisabled(endpoint) => Draft::new(
            t("A webhook endpoint is told nothing any more"),
            t("A webhook was turned off"),
        )
        .text(t("It answered that it is gone, or nothing has arrived there for days."))
        .fact(t("Endpoint"), endpoint.id)
        .fact(t("Address"), &endpoint.url)
        .text(t("What happens meanwhile is kept: mend it, enable it, and replay.")),
        What::Forwarded { merchant, letter } => forwarded(facts, merchant, letter),
    };
    draft.finish(name, &facts.url)
}

/// What vendors write in numbers and links.
trait Told {
    fn tokens(&self, amount: Amount) -> String;
    fn link(&self, path: &str) -> String;
}

impl Told for Facts {
    fn tokens(&self, amount: Amount) -> String {
        MoneyOut::tokens(amount, &self.vendor.settings.token).to_string()
    }

    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

fn welcome(facts: &Facts) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(text!("Your account with {name}", name), t("Welcome"))
        .text(text!("You have an account with {name} now, and a wallet that is empty yet.", name))
        .text(t("It holds your tokens and everything that you buy with them."))
        .button(t("Add funds"), facts.link("/wallet/top-up"))
        .small(t("If it was not you who opened it, ask for a new password with this address: the account is yours then."))
}

fn verification(facts: &Facts, token: &str, until: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(text!("Verify your address for {name}", name), t("Verify your address"))
        .text(text!("This address was used to open an account with {name}. To buy with it, show that it is yours.", name))
        .button(t("Verify this address"), facts.link(&format!("/verify?token={token}")))
        .text(text!("The link is good until {time}.", time = moment(until)))
        .small(t("If it was not you, do nothing."))
}

fn reset(facts: &Facts, token: &str, until: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(text!("A new password for {name}", name), t("Choose a new password"))
        .text(text!("Somebody asked for a new password for your account with {name}.", name))
        .button(t("Choose a new password"), facts.link(&format!("/reset?token={token}")))
        .text(text!(
            "The link is good once, until {time}. Every session of the account ends then.",
            time = moment(until)
        ))
        .small(t("If it was not you, do nothing: your password stays as it is."))
}

fn password_changed(facts: &Facts, at: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(t("Your password was changed"), t("Your password was changed"))
        .text(text!(
            "The password of your account with {name} was changed on {time}.",
            name,
            time = moment(at)
        ))
        .text(t("Whoever was signed in elsewhere is not any more."))
        .small(t("If it was not you, choose a new one by the link below at once: every session ends then, and keys for programs are revoked."))
        .button(t("Choose a new password"), facts.link("/forgot"))
}

fn new_email(facts: &Facts, token: &str, until: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(text!("Verify your new address for {name}", name), t("Verify your new address"))
        .text(text!("This address is to sign in to an account with {name} from now on. Show that it is yours.", name))
        .button(t("Verify this address"), facts.link(&format!("/verify?token={token}")))
        .text(text!("The link is good once, until {time}.", time = moment(until)))
        .small(t("If it was not you, do nothing."))
}

fn new_email_asked(facts: &Facts, at: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    let subject = t("Your account is to have another address");
    Draft::new(subject, subject)
        .text(text!(
            "On {time} another e-mail address was asked for, for your account with {name}. It takes the place of this one when the link that was sent there is opened.",
            time = moment(at),
            name
        ))
        .text(t("If it was you, there is nothing to do."))
        .small(t("If it was not you, somebody knows your password: choose a new one at once. The other address does not come then, and every session ends."))
        .button(t("Choose a new password"), facts.link("/forgot"))
}

fn email_changed(facts: &Facts, at: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    let subject = t("Your account has another address");
    Draft::new(subject, subject)
        .text(text!(
            "Since {time} your account with {name} has another e-mail address. This one does not sign in any more, and gets no more letters.",
            time = moment(at),
            name
        ))
        .text(t("If it was you, there is nothing to do."))
        .small(text!("If it was not you, write to {name} at once.", name))
}

/// A line of an order: what, how often, and what it cost.
fn lines_of(draft: Draft, facts: &Facts, lines: &[Line]) -> Draft {
    lines.iter().fold(draft, |draft, line| {
        let times =
            if line.quantity > 1 { format!("{} × ", line.quantity) } else { String::new() };
        let what = format!("{times}{}", line.title);
        draft.row(what, facts.tokens(line.total().unwrap_or_default()))
    })
}

fn paid(facts: &Facts, order: &Order, lines: &[Line], codes: &[Coded]) -> Draft {
    let total = facts.tokens(order.total);
    let subject = match lines {
        [line] => text!("Approved: {title}", title = line.title),
        _ => text!("Approved: your order of {total}", total),
    };
    let thanks = match &facts.provider {
        Some(provider) => {
            text!(
                "Thank you. {total} have been paid from your wallet at {host}.",
                total,
                host = host(provider)
            )
        }
        None => text!("Thank you. {total} have been paid from your wallet.", total),
    };
    let draft = Draft::new(subject, t("Your order was approved")).text(thanks);
    let mut draft = lines_of(draft, facts, lines).row(t("Total"), total);
    if let Some(balance) = order.balance_after {
        draft = draft.row(t("You have left"), facts.tokens(balance));
    }
    draft = draft.fact(t("Order"), order.id);
    if let Some(at) = order.paid_at {
        draft = draft.fact(t("Approved"), moment(at));
    }
    let (told, more) = fitting(facts, codes);
    for coded in told {
        draft = draft.code(&coded.title, &coded.code.short, &coded.code.jws);
    }
    if more > 0 {
        draft = draft.text(many!(
            more,
            "{count} more code is with your order.",
            "{count} more codes are with your order."
        ));
    }
    if lines.iter().any(|line| line.extends.is_some()) {
        draft = draft.text(t("What you have extended keeps its code."));
    }
    draft
        .button(t("Your order and downloads"), facts.link(&format!("/orders/{}", order.id)))
        .text(text!("Receipt: {link}", link = facts.link(&format!("/orders/{}/receipt", order.id))))
        .small(t("Keep the codes to yourself: whoever has one has what you bought."))
}

/// The codes that a letter has room for, and how many are left: a provider takes no longer text than that.
fn fitting<'c>(facts: &Facts, codes: &'c [Coded]) -> (&'c [Coded], usize) {
    let mut room = if facts.provider.is_some() { TEXT / 4 * 3 } else { usize::MAX };
    let fits = |coded: &&Coded| {
        let left = room.checked_sub(coded.code.jws.len().saturating_add(2 * coded.title.len()));
        room = left.unwrap_or_default();
        left.is_some()
    };
    let told = codes.iter().take_while(fits).count();
    let (told, rest) = codes.split_at(told);
    (told, rest.len())
}

fn declined(facts: &Facts, order: &Order, lines: &[Line], reason: Option<&str>) -> Draft {
    if let Some(reason) = reason {
        let draft = Draft::new(t("Declined: your order"), t("Your order was declined"))
            .text(t("Nothing was charged."))
            .text(text!("Reason: {said}", said = not_sold(reason).unwrap_or(reason)));
        return lines_of(draft, facts, lines)
            .row(t("Total"), facts.tokens(order.total))
            .fact(t("Order"), order.id)
            .button(t("Your order"), facts.link(&format!("/orders/{}", order.id)));
    }
    let draft = Draft::new(t("Declined: your order"), t("Your order was declined")).text(
        match order.reason {
            Some(DeclineReason::AccountFrozen) => {
                t("Nothing was charged. Your account is frozen: ask the vendor.")
            }
            Some(DeclineReason::BalanceBelowThreshold) => {
                t("Nothing was charged. Ordering opens at a balance that yours does not reach.")
            }
            Some(DeclineReason::InsufficientBalance) | None => {
                t("Nothing was charged. Your balance does not cover it.")
            }
        },
    );
    lines_of(draft, facts, lines)
        .row(t("Total"), facts.tokens(order.total))
        .fact(t("Order"), order.id)
        .button(t("Add funds"), facts.link("/wallet/top-up"))
}

fn refunded(facts: &Facts, order: &Order, amount: Amount) -> Draft {
    let tokens = facts.tokens(amount);
    Draft::new(text!("Refunded: {tokens}", tokens), t("You have got tokens back"))
        .text(text!("{tokens} of your order have come back to your wallet.", tokens))
        .fact(t("Order"), order.id)
        .button(t("Your order"), facts.link(&format!("/orders/{}", order.id)))
}

fn refused(facts: &Facts, order: &Order, title: &str, request: &RefundRequest) -> Draft {
    Draft::new(
        t("Declined: your request for a refund"),
        t("Your request for a refund was declined"),
    )
    .text(text!(
        "You asked for a refund of {title}. The vendor gives nothing back for it, and says:",
        title
    ))
    .text(request.word.as_deref().unwrap_or_default())
    .fact(t("Order"), order.id)
    .button(t("Your order"), facts.link(&format!("/orders/{}", order.id)))
    .small(t("What you bought stays yours. If something has changed, you can ask once more."))
}

/// A family of browsers, for people.
fn browser_name(browser: Browser) -> &'static str {
    match browser {
        Browser::Chrome => "Chrome",
        Browser::Edge => "Edge",
        Browser::Firefox => "Firefox",
        Browser::Opera => "Opera",
        Browser::Safari => "Safari",
        Browser::Other => t("a browser that does not say which"),
        Browser::Program => t("a program"),
    }
}

fn signed_in(facts: &Facts, at: Timestamp, browser: Browser) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(t("A new sign-in to your account"), t("A new sign-in"))
        .text(text!(
            "Somebody signed in to your account with {name} on {time}, with {browser}, where nobody had before.",
            name,
            time = moment(at),
            browser = browser_name(browser)
        ))
        .text(t("If it was you, there is nothing to do."))
        .small(t("If it was not you, choose a new password at once: every session ends then."))
        .button(t("Choose a new password"), facts.link("/forgot"))
}

fn key_made(facts: &Facts, at: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(t("A new key for a program"), t("A new key for a program"))
        .text(text!(
            "A key for a program was made for your account with {name} on {time}. Whoever has it can do what it may, until you take it back.",
            name,
            time = moment(at)
        ))
        .text(t("If it was you, there is nothing to do."))
        .small(t("If it was not you, choose a new password at once: every session ends then, and keys for programs are revoked."))
        .button(t("Choose a new password"), facts.link("/forgot"))
}

fn passkey_added(facts: &Facts, at: Timestamp, passkey: &str) -> Draft {
    let name = &facts.vendor.settings.name;
    Draft::new(t("A new passkey"), t("A new passkey"))
        .text(text!(
            "The passkey “{passkey}” was added to your account with {name} on {time}. Whoever has the device that keeps it signs in without your password.",
            passkey,
            name,
            time = moment(at)
        ))
        .text(t("If it was you, there is nothing to do."))
        .small(t("If it was not you, choose a new password at once: every session ends then, and passkeys are removed."))
        .button(t("Choose a new password"), facts.link("/forgot"))
}

fn factor_changed(facts: &Facts, at: Timestamp, change: FactorChange) -> Draft {
    let name = &facts.vendor.settings.name;
    let time = moment(at);
    let (subject, what) = match change {
        FactorChange::On => (
            t("Your second factor is on"),
            text!(
                "Since {time}, signing in to your account with {name} takes a code of your authenticator.",
                time,
                name
            ),
        ),
        FactorChange::Off => (
            t("Your second factor is off"),
            text!(
                "Since {time}, the password alone signs in to your account with {name}.",
                time,
                name
            ),
        ),
        FactorChange::Reset => (
            t("Your second factor was taken away"),
            text!(
                "{name} has taken the second factor of your account away on {time}: the password alone signs in now. Set it up anew when you can.",
                time,
                name
            ),
        ),
    };
    Draft::new(subject, subject)
        .text(what)
        .text(t("If it was you, there is nothing to do."))
        .small(t("If it was not you, choose a new password at once, and ask the vendor."))
        .button(t("Your account"), facts.link("/account"))
}

fn frozen(facts: &Facts, at: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    let since = match facts.provider {
        Some(_) => text!("Since {time} nothing can be bought with it.", time = moment(at)),
        None => text!(
            "Since {time} nothing can be bought with it and no funds can be added.",
            time = moment(at)
        ),
    };
    Draft::new(text!("Your account with {name} is frozen", name), t("Your account is frozen"))
        .text(since)
        .text(t("What you have bought stays yours: your codes go on working, and your library stays open."))
        .text(text!("Why it is, and what can be done, {name} will tell you: please ask there.", name))
        .button(t("Your library"), facts.link("/library"))
}

fn thawed(facts: &Facts, at: Timestamp) -> Draft {
    let name = &facts.vendor.settings.name;
    let subject = text!("Your account with {name} is open again", name);
    let draft = Draft::new(subject, t("Your account is open again")).text(text!(
        "It is not frozen any more, since {time}: you can buy with it as before.",
        time = moment(at)
    ));
    match facts.provider {
        Some(_) => draft.button(t("Your library"), facts.link("/library")),
        None => draft.button(t("Your wallet"), facts.link("/wallet")),
    }
}

fn asked(facts: &Facts, order: &Order, title: &str, request: &RefundRequest) -> Draft {
    let covered = if request.covered { t("Yes") } else { t("No") };
    Draft::new(t("A buyer asks for a refund"), t("A buyer asks for a refund"))
        .text(text!("It is about {title}. The buyer says:", title))
        .text(&request.reason)
        .fact(t("Order"), order.id)
        .fact(t("Request"), request.id)
        .fact(t("Covered by your policy"), covered)
        .button(t("Decide on it"), facts.link(&format!("/admin/refund-requests/{}", request.id)))
}

fn digest(facts: &Facts, orders: &[(Order, String)], more: u32, total: Amount) -> Draft {
    let count = orders.len().saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
    let subject = many!(count, "Your {count} small purchase", "Your {count} small purchases");
    let mut draft = Draft::new(subject, t("What you have bought"))
        .text(t("Small purchases come in one letter a day."));
    for (order, title) in orders {
        draft = draft.row(format!("{title} ({})", order.id), facts.tokens(order.total));
    }
    if more > 0 {
        draft = draft.text(text!("And {more} more.", more));
    }
    draft
        .row(t("Total"), facts.tokens(total))
        .button(t("Your orders"), facts.link("/orders"))
        .small(t("Codes and downloads are in your library."))
}

fn credited(facts: &Facts, top_up: &TopUp) -> Draft {
    let tokens = facts.tokens(top_up.tokens);
    let mut draft = Draft::new(text!("Added: {tokens}", tokens), t("Your wallet was topped up"))
        .text(text!("{tokens} have come into your wallet.", tokens));
    if let Some(pay) = top_up.pay {
        draft = draft.row(t("Paid"), MoneyOut::currency(pay));
    }
    draft.fact(t("Top-up"), top_up.id).button(t("Your wallet"), facts.link("/wallet"))
}

fn not_credited(facts: &Facts, top_up: &TopUp) -> Draft {
    let tokens = facts.tokens(top_up.tokens);
    Draft::new(t("Declined: your top-up"), t("Your top-up was declined"))
        .text(text!(
            "{tokens} were not added to your wallet. Nothing was charged, or it is given back.",
            tokens
        ))
        .fact(t("Top-up"), top_up.id)
        .button(t("Look at it"), facts.link(&format!("/wallet/top-ups/{}", top_up.id)))
}

fn given_back(facts: &Facts, top_up: &TopUp) -> Draft {
    Draft::new(t("Money of your top-up comes back"), t("Money comes back to you"))
        .text(t("What you paid for tokens is given back, all of it or a part, and the tokens are taken from your wallet."))
        .fact(t("Top-up"), top_up.id)
        .button(t("Look at it"), facts.link(&format!("/wallet/top-ups/{}", top_up.id)))
}

fn stopped(facts: &Facts) -> Draft {
    Draft::new(t("Automatic top-ups have stopped"), t("Automatic top-ups have stopped"))
        .text(t(
            "The last one did not go through, so your wallet is not filled by itself any more.",
        ))
        .button(t("Your wallet"), facts.link("/wallet"))
}

fn expiring(facts: &Facts, tokens: Amount, first: Timestamp, last: Timestamp) -> Draft {
    let tokens = facts.tokens(tokens);
    let draft = Draft::new(text!("{tokens} expire soon", tokens), t("Tokens of yours expire soon"));
    let draft = if day(first) == day(last) {
        draft.text(text!("{tokens} in your wallet expire on {time}.", tokens, time = moment(first)))
    } else {
        draft.text(text!(
            "{tokens} in your wallet expire until {day}, the first of them on {time}.",
            tokens,
            day = day(last),
            time = moment(first)
        ))
    };
    draft
        .text(t("What you buy is paid with tokens that expire before all others."))
        .button(t("Your wallet"), facts.link("/wallet"))
}

fn reissued(facts: &Facts, coded: &Coded) -> Draft {
    let Coded { title, license, code } = coded;
    let name = &facts.vendor.settings.name;
    let if_not = match facts.provider {
        Some(_) => text!("If it was not you who asked for it, write to {name} at once.", name),
        None => t("If it was not you who asked for it, choose a new password.").to_owned(),
    };
    Draft::new(text!("A new code for {title}", title), t("Your code was issued again"))
        .text(text!("{title} has a new code. The one before opens nothing any more.", title))
        .code(title, &code.short, &code.jws)
        .button(t("Look at it"), facts.link(&format!("/library/{}", license.id)))
        .small(if_not)
}

/// The frame of what a merchant writes to its buyer: who does, then all of it, then how to end that.
fn forwarded(facts: &Facts, merchant: &Merchant, letter: &Forwarded) -> Draft {
    let (name, link) = (&merchant.name, facts.link("/account/merchants"));
    let subject = format!("{name}: {}", letter.subject);
    let provider = &facts.vendor.settings.name;
    let who = text!(
        "{name} ({host}) writes to you through {provider}",
        name,
        host = host(&merchant.url),
        provider
    );
    Draft::new(subject, who)
        .quoted(&letter.text)
        .small(text!("{name} does not know your address: {provider} forwards its letters to you. If you want none, say so here: {link}", name, provider, link))
}

fn review(facts: &Facts, top_up: &TopUp) -> Draft {
    let tokens = facts.tokens(top_up.tokens);
    Draft::new(text!("A top-up of {tokens} waits for you", tokens), t("A top-up waits for you"))
        .text(t("The credit assessment wants a person to look at it. The buyer waits."))
        .fact(t("Top-up"), top_up.id)
        .fact(t("Account"), top_up.account)
        .row(t("Tokens"), tokens)
}

fn disputed(facts: &Facts, top_up: &TopUp) -> Draft {
    let tokens = facts.tokens(top_up.tokens);
    Draft::new(text!("A top-up of {tokens} is disputed", tokens), t("A top-up is disputed"))
        .text(t("The buyer's bank disputes it, or has decided. Your processor says until when it wants evidence."))
        .fact(t("Top-up"), top_up.id)
        .fact(t("Account"), top_up.account)
        .fact(t("State"), top_up.state)
        .row(t("Tokens"), tokens)
}

#[cfg(test)]
mod tests;
