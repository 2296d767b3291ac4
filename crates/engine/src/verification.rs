//! Verifying an address: whoever opens the link in a letter has shown that mail to it arrives.
//!
//! ```text
//! unverified ──the link, within a week, while the address is the same──▶ verified
//! ```
//! An address that is to take the place of the account's is verified in the same way, and takes it then (`email.rs`).

use scrip_domain::account::Account;
use scrip_domain::letter::About;
use scrip_storage::Fault;

use crate::ledger::Buyer;
use crate::mail::{Pass, VERIFICATION};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// Why no letter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationRefusal {
    /// This server sends no mail.
    NoMail,
    /// It was asked for too often.
    RateLimited(RetryAfter),
}

/// A link that opens nothing: it is none of ours, too old, used, or something has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRefused;

/// Why an address is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyRefusal {
    /// The link opens nothing.
    Link,
    /// It was to take the place of another, and has an account of its own.
    EmailTaken,
}

impl Engine {
    /// Writes the letter with the link once more. Who is verified gets none.
    pub async fn ask_verification(&self, buyer: Buyer) -> Outcome<(), VerificationRefusal> {
        if !self.has_mail() {
            return Ok(Err(VerificationRefusal::NoMail));
        }
        let Some(member) = self.member(buyer.account).await? else { return Ok(Ok(())) };
        if member.account.verified_at.is_some() {
            return Ok(Ok(()));
        }
        let (who, now) = (buyer.account.to_string(), self.now());
        if let Err(wait) = self.throttle.take([(Limited::LetterAccount, &*who)], now) {
            return Ok(Err(VerificationRefusal::RateLimited(wait)));
        }
        let letter = self.letter(&member.account, About::Verification {}).await?;
        self.put_letters(letter.into_iter().collect()).await?;
        Ok(Ok(()))
    }

    /// Verifies the address that the link was sent to. Doing it again changes nothing. One that takes the place of another
    /// does so once, and every session of the account ends but the one with `kept`.
    pub async fn verify_address(
        &self,
        token: &str,
        kept: Option<&str>,
    ) -> Outcome<Account, VerifyRefusal> {
        if let Some(login) = self.login_of_new_email(token).await? {
            return self.open_new_email(login, kept).await;
        }
        let refused = VerifyRefusal::Link;
        let Some(pass) = self.unseal::<Pass>(VERIFICATION, token) else { return Ok(Err(refused)) };
        let Some(member) = self.member(pass.account).await? else { return Ok(Err(refused)) };
        if self.mark_of_address(&member.account) != pass.mark {
            return Ok(Err(refused));
        }
        let verified = self.account_verified(&member.account).await?;
        Ok(verified.map_err(|_| refused))
    }

    /// Whether a link puts an address in the place of another, for the page that it opens.
    pub async fn is_for_new_email(&self, token: &str) -> Result<bool, Fault> {
        Ok(self.login_of_new_email(token).await?.is_some())
    }
}
