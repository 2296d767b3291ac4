//! The audit log: who of the vendor's staff changed what, a row in the same commit as the act.

use std::fmt;
use std::str::FromStr;

use crate::api_key::ApiKey;
use crate::id::Id;
use crate::request::RequestId;
use crate::staff::StaffMember;
use crate::time::Timestamp;
use crate::words;

words! {
    /// What staff can do to a shop.
    pub enum Act {
        /// The vendor's settings were changed.
        SettingsChanged = "settings.changed",
        /// A version of the terms, or of such a text, was published.
        LegalPublished = "legal.published",
        /// A product was entered.
        ProductEntered = "product.entered",
        /// A product was changed.
        ProductChanged = "product.changed",
        /// A product was put up for sale.
        ProductPublished = "product.published",
        /// A product was taken off sale.
        ProductArchived = "product.archived",
        /// An offer was entered.
        OfferEntered = "offer.entered",
        /// An offer was changed.
        OfferChanged = "offer.changed",
        /// An offer was withdrawn.
        OfferRetired = "offer.retired",
        /// A release was entered.
        ReleaseEntered = "release.entered",
        /// A release was changed.
        ReleaseChanged = "release.changed",
        /// Tokens were added to an account's wallet.
        AccountAdjusted = "account.adjusted",
        /// An account was frozen.
        AccountFrozen = "account.frozen",
        /// An account was thawed.
        AccountThawed = "account.thawed",
        /// An account's second factor was taken away.
        AccountFactorReset = "account.factor_reset",
        /// An account was erased.
        AccountErased = "account.erased",
        /// The limit of an account's credit line was set.
        CreditLimitSet = "credit_limit.set",
        /// A repayment of what is owed was booked.
        RepaymentBooked = "repayment.booked",
        /// Tokens of an order were given back.
        OrderRefunded = "order.refunded",
        /// A buyer's wish for a refund was declined.
        RefundDeclined = "refund_request.declined",
        /// A top-up that waited for review was decided.
        TopUpDecided = "top_up.decided",
        /// Money for an offline top-up was booked.
        TopUpReceived = "top_up.received",
        /// An offline top-up was given up.
        TopUpCancelled = "top_up.cancelled",
        /// Money of a top-up was given back.
        TopUpRefunded = "top_up.refunded",
        /// A batch of vouchers was made.
        VouchersMade = "vouchers.made",
        /// A batch of vouchers was closed.
        VouchersClosed = "vouchers.closed",
        /// A coupon was made.
        CouponMade = "coupon.made",
        /// A coupon was closed.
        CouponClosed = "coupon.closed",
        /// A merchant was registered or invited.
        MerchantEntered = "merchant.entered",
        /// What is known of a merchant, or how far it is trusted, was changed.
        MerchantChanged = "merchant.changed",
        /// A payment to a merchant was recorded.
        MerchantPaidOut = "merchant.paid_out",
        /// Tokens of a merchant's order were given back.
        RequestRefunded = "purchase_request.refunded",
        /// A cycle with a partner was closed.
        CycleClosed = "cycle.closed",
        /// The payment of a statement was instructed, or entered.
        SettlementInstructed = "settlement.instructed",
        /// It has gone out.
        SettlementSent = "settlement.sent",
        /// It has come.
        SettlementReceived = "settlement.received",
        /// It was given up.
        SettlementWrittenOff = "settlement.written_off",
        /// Where money goes to was changed: a partner's account, or our own.
        BankDetailsChanged = "bank_details.changed",
        /// A purchase that a backup lacked was booked by what a merchant has of it.
        RequestRebooked = "purchase_request.rebooked",
        /// An exchange that a backup lacked was booked by what the partner has of it.
        ExchangeRebooked = "exchange.rebooked",
        /// An agreement that a backup lacked was taken over, as both have signed it.
        AgreementRestored = "agreement.restored",
        /// A peer was gone on without after a restore.
        RestoreSkipped = "restore.skipped",
        /// A peer was asked once more what happened since a backup.
        RestoreAskedAgain = "restore.asked_again",
        /// An exchange was written off, because the partner said nothing for so long.
        ExchangeWrittenOff = "exchange.written_off",
        /// A partner was entered.
        PartnerEntered = "partner.entered",
        /// What is known of a partner was changed.
        PartnerChanged = "partner.changed",
        /// We do not exchange with a partner for the time being.
        PartnerSuspended = "partner.suspended",
        /// We do again.
        PartnerResumed = "partner.resumed",
        /// An agreement was proposed to a partner.
        AgreementProposed = "agreement.proposed",
        /// A partner's proposal was accepted.
        AgreementAccepted = "agreement.accepted",
        /// A partner's proposal was declined.
        AgreementDeclined = "agreement.declined",
        /// A proposal of ours was withdrawn.
        AgreementWithdrawn = "agreement.withdrawn",
        /// An agreement was ended.
        AgreementEnded = "agreement.ended",
        /// An API key was made.
        ApiKeyMade = "api_key.made",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// A license was suspended.
        LicenseSuspended = "license.suspended",
        /// A suspended license was resumed.
        LicenseResumed = "license.resumed",
        /// A license was taken back.
        LicenseRevoked = "license.revoked",
        /// A license's code was issued again.
        LicenseReissued = "license.reissued",
        /// A machine of a license was deactivated.
        MachineDeactivated = "machine.deactivated",
        /// A new license key was made.
        LicenseKeyRotated = "license_key.rotated",
        /// A new protocol key was made.
        ProtocolKeyRotated = "protocol_key.rotated",
        /// This merchant accepted its provider's invitation.
        InvitationAccepted = "invitation.accepted",
        /// A webhook endpoint was made.
        WebhookMade = "webhook.made",
        /// A webhook endpoint was changed.
        WebhookChanged = "webhook.changed",
        /// A webhook endpoint got a new secret.
        WebhookRotated = "webhook.rotated",
        /// A webhook endpoint is told nothing any more.
        WebhookDisabled = "webhook.disabled",
        /// A webhook endpoint is told again.
        WebhookEnabled = "webhook.enabled",
        /// A webhook endpoint was told once more of what it was told before.
        WebhookReplayed = "webhook.replayed",
        /// A webhook endpoint was sent a test.
        WebhookTested = "webhook.tested",
        /// A webhook endpoint was removed.
        WebhookRemoved = "webhook.removed",
        /// Somebody was invited to the staff.
        StaffInvited = "staff.invited",
        /// Somebody took an invitation, and chose a password.
        StaffJoined = "staff.joined",
        /// Somebody of the staff got another role.
        StaffRoleChanged = "staff.role_changed",
        /// Somebody's password and second factor were taken away, for a new invitation.
        StaffReset = "staff.reset",
        /// Somebody is no member of the staff any more.
        StaffEnded = "staff.ended",
        /// Somebody of the staff signed in.
        StaffSignedIn = "staff.signed_in",
        /// Somebody of the staff chose another password.
        StaffPasswordChanged = "staff.password_changed",
        /// Somebody of the staff is asked for a second factor from now on.
        StaffFactorOn = "staff.factor_on",
        /// Somebody of the staff is not any more.
        StaffFactorOff = "staff.factor_off",
    }
}

/// Who acts for the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds this API key of the vendor's own.
    Key(Id<ApiKey>),
    /// This member of the staff, on the pages of the console.
    Staff(Id<StaffMember>),
    /// Whoever has the server's folder in their hands.
    Operator,
    /// The server itself, by a rule.
    Server,
}

/// The words for who needs no key.
const OPERATOR: &str = "operator";
const SERVER: &str = "server";

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => fmt::Display::fmt(key, f),
            Self::Staff(member) => fmt::Display::fmt(member, f),
            Self::Operator => f.write_str(OPERATOR),
            Self::Server => f.write_str(SERVER),
        }
    }
}

impl FromStr for Actor {
    type Err = crate::id::NotAnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            OPERATOR => Ok(Self::Operator),
            SERVER => Ok(Self::Server),
            id => id.parse().map(Self::Key).or_else(|_| id.parse().map(Self::Staff)),
        }
    }
}

/// An act that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// Who acted.
    pub actor: Actor,
    /// What was done.
    pub act: Act,
    /// What it was done to: an id, or the name of a license key.
    pub subject: String,
    /// What changed, member by member.
    pub changes: serde_json::Value,
    /// The request that asked for it; zero when it was none.
    pub request: RequestId,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_round_trip_through_text() {
        let (key, member) = (Id::new(7).unwrap(), Id::new(7).unwrap());
        for actor in [Actor::Operator, Actor::Server, Actor::Key(key), Actor::Staff(member)] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert!("acc_0000000000007".parse::<Actor>().is_err());
    }
}
