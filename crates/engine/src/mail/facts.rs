//! What a letter is written from: rows as they are when it is sent. Codes are signed again, links sealed again.

use std::sync::Arc;

use scrip_domain::Timestamp;
use scrip_domain::account::Account;
use scrip_domain::language::Language;
use scrip_domain::letter::{About, FactorChange, Letter, Recipient};
use scrip_domain::license::License;
use scrip_domain::merchant::Merchant;
use scrip_domain::order::{Line, Order};
use scrip_domain::refund_request::RefundRequest;
use scrip_domain::session::Browser;
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::TopUp;
use scrip_domain::webhook::WebhookEndpoint;
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use super::forward::Forwarded;
use crate::Engine;
use crate::code::Code;

/// All that a letter can say.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whose letter it is.
    pub vendor: Arc<Vendor>,
    /// The address under which the vendor is reached, without a slash at the end.
    pub url: String,
    /// The language of who reads it: what the account has chosen, or the vendor's own.
    pub language: Language,
    /// The provider that forwards it, by its address: who reads it has account and wallet there. None of a letter that goes
    /// to an address.
    pub provider: Option<String>,
    /// What it is about.
    pub what: What,
}

/// What a letter is about, with all that it needs.
#[derive(Clone, Debug)]
pub enum What {
    /// An account was opened.
    Welcome,
    /// The address is to be verified with this token.
    Verification {
        /// What the link carries.
        token: String,
        /// Until when it is good.
        until: Timestamp,
    },
    /// A new password can be chosen with this token.
    Reset {
        /// What the link carries.
        token: String,
        /// Until when it is good.
        until: Timestamp,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
    },
    /// The address that reads this is to take the place of an account's, with this token.
    NewEmail {
        /// What the link carries.
        token: String,
        /// Until when it is good.
        until: Timestamp,
    },
    /// Another address is to take the place of the one that reads this.
    NewEmailAsked {
        /// When it was asked for.
        at: Timestamp,
    },
    /// Another address has taken the place of the one that reads this.
    EmailChanged {
        /// When.
        at: Timestamp,
    },
    /// An order was paid.
    OrderPaid {
        /// The order.
        order: Order,
        /// Its lines.
        lines: Vec<Line>,
        /// Its codes.
        codes: Vec<Coded>,
    },
    /// An order was declined.
    OrderDeclined {
        /// The order.
        order: Order,
        /// Its lines.
        lines: Vec<Line>,
        /// Why, of an order that was to be paid at the provider: in a word of its own or of ours.
        reason: Option<String>,
    },
    /// Something of an order was given back.
    OrderRefunded {
        /// The order.
        order: Order,
        /// How much came back.
        amount: Amount,
    },
    /// The account's second factor was turned on or off.
    FactorChanged {
        /// When.
        at: Timestamp,
        /// Which of it.
        change: FactorChange,
    },
    /// A passkey was added to the account.
    PasskeyAdded {
        /// When.
        at: Timestamp,
        /// What its owner calls it.
        name: String,
    },
    /// The account was frozen.
    AccountFrozen {
        /// When.
        at: Timestamp,
    },
    /// It is frozen no more.
    AccountThawed {
        /// Since when.
        at: Timestamp,
    },
    /// Small purchases of a day.
    Digest {
        /// The first of them, with what they are called.
        orders: Vec<(Order, String)>,
        /// How many there were beside these.
        more: u32,
        /// What all of them cost.
        total: Amount,
    },
    /// A top-up brought tokens.
    TopUpCredited(TopUp),
    /// A top-up was declined.
    TopUpDeclined(TopUp),
    /// Money of a top-up went back.
    TopUpRefunded(TopUp),
    /// Automatic top-ups were stopped.
    AutoTopUpStopped,
    /// Tokens expire soon.
    TokensExpiring {
        /// How many.
        tokens: Amount,
        /// When the first of them do.
        first: Timestamp,
        /// When the last of them do.
        last: Timestamp,
    },
    /// A license ends soon.
    LicenseExpiring {
        /// What it is for.
        title: String,
        /// When it ends.
        at: Timestamp,
        /// The license.
        license: License,
    },
    /// The code of a license was issued again.
    LicenseReissued(Coded),
    /// To staff: a top-up waits for a person.
    ReviewWaiting(TopUp),
    /// To staff: a top-up is disputed, or the bank has decided.
    Disputed(TopUp),
    /// The vendor gives nothing back that was asked for.
    RefundRefused {
        /// The order.
        order: Order,
        /// What was asked for is called.
        title: String,
        /// What was asked, and what was said to it.
        request: RefundRequest,
    },
    /// Somebody signed in from a browser that had not before.
    SignedIn {
        /// When.
        at: Timestamp,
        /// With what.
        browser: Browser,
    },
    /// A key for a program was made by the account's owner.
    KeyMade {
        /// When.
        at: Timestamp,
    },
    /// To staff: a buyer asks for a refund.
    RefundAsked {
        /// The order.
        order: Order,
        /// What is asked for is called.
        title: String,
        /// What is asked.
        request: RefundRequest,
    },
    /// To staff: a webhook endpoint is told nothing any more.
    WebhookDisabled(WebhookEndpoint),
    /// A merchant writes to one of its buyers through here.
    Forwarded {
        /// The merchant.
        merchant: Box<Merchant>,
        /// What it writes.
        letter: Forwarded,
    },
}

/// A code and what it is for.
#[derive(Clone, Debug)]
pub struct Coded {
    /// The title as sold.
    pub title: String,
    /// The license.
    pub license: License,
    /// Its code.
    pub code: Code,
}

fn lost(what: &'static str) -> impl Fn() -> Fault {
    move || Fault::Bug(format!("{what} of a letter is gone"))
}

impl Engine {
    /// What a letter is written from; none when it would be of no use any more.
    pub(super) async fn facts(&self, letter: &Letter) -> Result<Option<Facts>, Fault> {
        if letter.useful_until().is_some_and(|until| until <= self.now()) {
            return Ok(None);
        }
        let provider = match &letter.recipient {
            Recipient::Address(_) => None,
            Recipient::Subject(subject) => match self.reader_of(subject).await? {
                Some(provider) => Some(provider),
                None => return Ok(None),
            },
        };
        let (vendor, url) = (self.vendor().await?, self.public_url.clone());
        let own = vendor.settings.look.language;
        let (what, language) = match letter.account {
            Some(account) => {
                let account = self.store.account(account).await?.ok_or_else(lost("the account"))?;
                let language = account.person.language.unwrap_or(own);
                (self.to_account(&account, letter, language).await?, language)
            }
            None => (self.to_staff(&letter.about, own).await?, own),
        };
        Ok(what.map(|what| Facts { vendor, url, language, provider, what }))
    }

    /// The provider that knows a buyer by this name; none when it is another one by now.
    async fn reader_of(&self, subject: &str) -> Result<Option<String>, Fault> {
        let Some(provider) = self.provider() else { return Ok(None) };
        let identity = self.store.identity(provider.url(), subject).await?;
        Ok(identity.map(|identity| identity.issuer))
    }

    async fn to_account(
        &self,
        account: &Account,
        letter: &Letter,
        language: Language,
    ) -> Result<Option<What>, Fault> {
        let until = letter.useful_until().unwrap_or(letter.created_at);
        Ok(Some(match &letter.about {
            About::Welcome {} => What::Welcome,
            About::Verification {} if account.verified_at.is_some() => return Ok(None),
            About::Verification {} => {
                What::Verification { token: self.verification_token(account, letter), until }
            }
            About::Reset { password } => return self.reset_link(account, letter, password).await,
            About::PasswordChanged { at } => What::PasswordChanged { at: *at },
            About::NewEmail { mark } => return self.new_email_link(account, letter, mark).await,
            About::NewEmailAsked { at } => What::NewEmailAsked { at: *at },
            About::EmailChanged { at } => What::EmailChanged { at: *at },
            About::OrderPaid { order } => self.paid_order(*order, language).await?,
            About::OrderDeclined { order } => {
                let reason = self.store.checkout(*order).await?.and_then(|row| row.reason);
                let (order, lines) = self.ordered(*order, language).await?;
                What::OrderDeclined { order, lines, reason }
            }
            About::OrderRefunded { order, at } => self.refunded(*order, *at).await?,
            About::RefundRefused { request, .. } => {
                let (order, title, request) = self.asked(*request, language).await?;
                What::RefundRefused { order, title, request }
            }
            About::SignedIn { at, browser } => What::SignedIn { at: *at, browser: *browser },
            About::KeyMade { at } => What::KeyMade { at: *at },
            About::FactorChanged { at, change } => What::FactorChanged { at: *at, change: *change },
            About::PasskeyAdded { at, name } => What::PasskeyAdded { at: *at, name: name.clone() },
            About::AccountFrozen { at } => What::AccountFrozen { at: *at },
            About::AccountThawed { at } => What::AccountThawed { at: *at },
            About::Digest { orders, more, total } => {
                self.gathered(orders, *more, *total, language).await?
            }
            About::TopUpCredited { top_up } => What::TopUpCredited(self.funds(*top_up).await?),
            About::TopUpDeclined { top_up } => What::TopUpDeclined(self.funds(*top_up).await?),
            About::TopUpRefunded { top_up } => What::TopUpRefunded(self.funds(*top_up).await?),
            About::AutoTopUpStopped {} => What::AutoTopUpStopped,
            About::TokensExpiring { tokens, first, last } => {
                What::TokensExpiring { tokens: *tokens, first: *first, last: *last }
            }
            About::LicenseExpiring { license } => {
                let (title, license) = self.titled(*license, language).await?;
                // It was made longer, or ended, while the letter was on its way.
                let Some(at) = license.expires_at.filter(|end| *end > self.now()) else {
                    return Ok(None);
                };
                What::LicenseExpiring { title, at, license }
            }
            About::LicenseReissued { license } => {
                let (title, license) = self.titled(*license, language).await?;
                if !license.tells_its_code() {
                    return Ok(None);
                }
                let code = self.code(&license).await?;
                What::LicenseReissued(Coded { title, license, code })
            }
            About::ReviewWaiting { .. }
            | About::Disputed { .. }
            | About::RefundAsked { .. }
            | About::WebhookDisabled { .. } => {
                return Err(Fault::Bug("a letter to staff is an account's".into()));
            }
        }))
    }

    /// What was changed meanwhile is not opened by a link from before.
    async fn reset_link(
        &self,
        account: &Account,
        letter: &Letter,
        mark: &str,
    ) -> Result<Option<What>, Fault> {
        let login = self.login_of(account).await?;
        if login.is_none_or(|login| self.mark_of_password(&login) != mark) {
            return Ok(None);
        }
        let until = letter.useful_until().unwrap_or(letter.created_at);
        Ok(Some(What::Reset { token: self.reset_token(account.id, mark, letter), until }))
    }

    /// The same of an address that is not wished for any more.
    async fn new_email_link(
        &self,
        account: &Account,
        letter: &Letter,
        mark: &str,
    ) -> Result<Option<What>, Fault> {
        let login = self.login_of(account).await?;
        let wished = login.and_then(|login| self.mark_of_new_email(&login));
        if wished.is_none_or(|wished| wished != mark) {
            return Ok(None);
        }
        let until = letter.useful_until().unwrap_or(letter.created_at);
        Ok(Some(What::NewEmail { token: self.new_email_token(account.id, mark, letter), until }))
    }

    async fn to_staff(&self, about: &About, own: Language) -> Result<Option<What>, Fault> {
        Ok(Some(match about {
            About::ReviewWaiting { top_up } => What::ReviewWaiting(self.funds(*top_up).await?),
            About::Disputed { top_up } => What::Disputed(self.funds(*top_up).await?),
            About::RefundAsked { request, .. } => {
                let (order, title, request) = self.asked(*request, own).await?;
                // Somebody was faster than the letter.
                if !request.is_open() {
                    return Ok(None);
                }
                What::RefundAsked { order, title, request }
            }
            About::WebhookDisabled { endpoint } => {
                let endpoint = self.store.webhook_endpoint(*endpoint).await?;
                What::WebhookDisabled(endpoint.ok_or_else(lost("the endpoint"))?)
            }
            _ => return Err(Fault::Bug("a letter to an account is nobody's".into())),
        }))
    }

    /// An order, and its lines as who reads the letter knows them.
    async fn ordered(
        &self,
        order: Id<Order>,
        language: Language,
    ) -> Result<(Order, Vec<Line>), Fault> {
        let row = self.store.order(order).await?.ok_or_else(lost("the order"))?;
        let lines = self.store.order_lines(order).await?;
        Ok((row, self.lines_in(lines, language).await?))
    }

    async fn paid_order(&self, order: Id<Order>, language: Language) -> Result<What, Fault> {
        let (order, lines) = self.ordered(order, language).await?;
        let mut codes = Vec::new();
        for license in self.store.licenses_of_orders(&[order.id]).await? {
            if license.tells_its_code() {
                let title = title_of(&lines, &license);
                codes.push(Coded { title, code: self.code(&license).await?, license });
            }
        }
        Ok(What::OrderPaid { order, lines, codes })
    }

    async fn refunded(&self, order: Id<Order>, at: Timestamp) -> Result<What, Fault> {
        let row = self.store.order(order).await?.ok_or_else(lost("the order"))?;
        let refunds = self.store.refunds_of(&[order]).await?;
        let refund = refunds.iter().rev().find(|refund| refund.at <= at).or(refunds.last());
        let amount = refund.map(|refund| refund.amount).unwrap_or_default();
        Ok(What::OrderRefunded { order: row, amount })
    }

    /// What a buyer asks back, with its order and what it is called.
    async fn asked(
        &self,
        id: Id<RefundRequest>,
        language: Language,
    ) -> Result<(Order, String, RefundRequest), Fault> {
        let row = self.store.refund_request(id).await?.ok_or_else(lost("the request"))?;
        let (order, lines) = self.ordered(row.order, language).await?;
        let line = lines.into_iter().find(|line| line.id == row.line);
        Ok((order, line.map(|line| line.title).unwrap_or_default(), row))
    }

    async fn gathered(
        &self,
        ids: &[Id<Order>],
        more: u32,
        total: Amount,
        language: Language,
    ) -> Result<What, Fault> {
        let mut orders = Vec::with_capacity(ids.len());
        for id in ids {
            let (order, lines) = self.ordered(*id, language).await?;
            let titles: Vec<_> = lines.iter().map(|line| line.title.as_str()).collect();
            orders.push((order, titles.join(", ")));
        }
        Ok(What::Digest { orders, more, total })
    }

    async fn funds(&self, top_up: Id<TopUp>) -> Result<TopUp, Fault> {
        self.store.top_up(top_up).await?.ok_or_else(lost("the top-up"))
    }

    /// A license and what it is for.
    async fn titled(
        &self,
        license: Id<License>,
        language: Language,
    ) -> Result<(String, License), Fault> {
        let license = self.store.license(license).await?.ok_or_else(lost("the license"))?;
        let lines = self.store.order_lines(license.order).await?;
        let lines = self.lines_in(lines, language).await?;
        Ok((title_of(&lines, &license), license))
    }
}

fn title_of(lines: &[Line], license: &License) -> String {
    let line = lines.iter().find(|line| line.id == license.line);
    line.map(|line| line.title.clone()).unwrap_or_default()
}
