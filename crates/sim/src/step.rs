//! The kinds of step that a buyer takes.

/// One kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tops up by the demo processor.
    TopUp,
    /// Has an administrator put tokens in.
    Grant,
    /// Has an administrator give promotional tokens, which may expire.
    Gift,
    /// Has an administrator give an order back, or a part of it.
    Refund,
    /// Looks around.
    Look,
    /// Asks for a quote.
    Quote,
    /// Opens a draft.
    Draft,
    /// Confirms an order.
    Confirm,
    /// Cancels an order.
    Cancel,
    /// Buys in one step.
    Purchase,
    /// Buys with two clicks: the same request twice at once.
    Twice,
    /// Buys two things at once.
    Race,
    /// Asks again what was answered.
    Again,
    /// Uses a key again for something else.
    Misuse,
    /// Asks again what was not answered.
    Resolve,
    /// Looks at an order or a license again.
    Reread,
    /// Has a code validated, or a damaged one.
    Validate,
    /// Looks at the wallet.
    Wallet,
    /// Asks for a receipt.
    Receipt,
    /// Signs in again.
    SignIn,
    /// Comes as a visitor.
    Visit,
    /// Tops up by card.
    Card,
    /// Has an administrator give money of a top-up back.
    TakeBack,
    /// Asks for a top-up that is paid offline.
    Offline,
    /// Has an administrator book a part of what is due offline.
    Receive,
    /// Redeems a voucher, which somebody else may have redeemed.
    Voucher,
    /// Draws on credit.
    Draw,
    /// Has an administrator book what was repaid.
    Repay,
    /// Has an administrator set a limit.
    Limit,
    /// Has staff decide on a top-up.
    Decide,
    /// Asks for automatic top-ups.
    Wish,
    /// Wants no more of them.
    NoWish,
}

impl Step {
    /// What only worlds with money have.
    pub const FOR_MONEY: &[Self] =
        &[Self::Card, Self::TakeBack, Self::Offline, Self::Receive, Self::Voucher];

    /// What only worlds with credit have.
    pub const ON_CREDIT: &[Self] = &[Self::Draw, Self::Repay, Self::Limit];

    /// What only worlds have where something happens by itself.
    pub const BY_ITSELF: &[Self] = &[Self::Wish, Self::NoWish];

    /// Every other kind.
    pub const ALL: &[Self] = &[
        Self::TopUp,
        Self::Grant,
        Self::Gift,
        Self::Refund,
        Self::Look,
        Self::Quote,
        Self::Draft,
        Self::Confirm,
        Self::Cancel,
        Self::Purchase,
        Self::Twice,
        Self::Race,
        Self::Again,
        Self::Misuse,
        Self::Resolve,
        Self::Reread,
        Self::Validate,
        Self::Wallet,
        Self::Receipt,
        Self::SignIn,
        Self::Visit,
    ];
}
