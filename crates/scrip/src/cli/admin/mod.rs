//! `scrip admin`: what the vendor's staff does, through the running server.

mod accounts;
mod agreements;
mod api_keys;
mod audit;
mod coupons;
mod keys;
mod licenses;
mod orders;
mod partners;
mod provider;
mod refund;
mod restore;
mod settlements;
mod staff;
mod statements;
mod vouchers;

use clap::{Args, Subcommand};

use super::one_thread;
use super::remote::Remote;
use crate::failure::Outcome;

/// What to manage.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  export SCRIP_SERVER=http://127.0.0.1:8080 SCRIP_ADMIN_KEY=key_...
  scrip admin accounts list
  scrip admin accounts adjust ada@example.org 12.50 --reason 'paid by cheque'")]
pub struct AdminArgs {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Buyers' accounts
    Accounts(accounts::AccountsArgs),
    /// Give tokens of an order back, into the lots that paid
    Refund(refund::RefundArgs),
    /// Give money of a top-up back, and take its unspent tokens
    RefundTopUp(refund::TopUpRefundArgs),
    /// Orders: all, by state, or of an account
    Orders(orders::OrdersArgs),
    /// Codes that bring tokens
    Vouchers(vouchers::VouchersArgs),
    /// Words that take something off a selection
    Coupons(coupons::CouponsArgs),
    /// Other vendors, whose tokens can be exchanged for ours
    Partners(partners::PartnersArgs),
    /// The terms under which tokens are exchanged with partners
    Agreements(agreements::AgreementsArgs),
    /// What partners owe each other for a cycle
    Statements(statements::StatementsArgs),
    /// How that is paid
    Settlements(settlements::SettlementsArgs),
    /// Licenses: which there are, suspend, revoke, issue codes again
    Licenses(licenses::LicensesArgs),
    /// License keys
    Keys(keys::KeysArgs),
    /// API keys
    ApiKeys(api_keys::ApiKeysArgs),
    /// The people who work here, and what each may do
    Staff(staff::StaffArgs),
    /// The provider of a merchant
    Provider(provider::ProviderArgs),
    /// What is heard of other servers after a restore
    Restore(restore::RestoreArgs),
    /// The audit log: who changed what, newest first
    Audit(audit::AuditArgs),
}

impl AdminArgs {
    pub fn run(&self) -> Outcome {
        one_thread(async {
            match &self.noun {
                Noun::Accounts(args) => args.run(&self.remote).await,
                Noun::Refund(args) => args.run(&self.remote).await,
                Noun::RefundTopUp(args) => args.run(&self.remote).await,
                Noun::Orders(args) => args.run(&self.remote).await,
                Noun::Vouchers(args) => args.run(&self.remote).await,
                Noun::Coupons(args) => args.run(&self.remote).await,
                Noun::Partners(args) => args.run(&self.remote).await,
                Noun::Agreements(args) => args.run(&self.remote).await,
                Noun::Statements(args) => args.run(&self.remote).await,
                Noun::Settlements(args) => args.run(&self.remote).await,
                Noun::Licenses(args) => args.run(&self.remote).await,
                Noun::Keys(args) => args.run(&self.remote).await,
                Noun::ApiKeys(args) => args.run(&self.remote).await,
                Noun::Staff(args) => args.run(&self.remote).await,
                Noun::Provider(args) => args.run(&self.remote).await,
                Noun::Restore(args) => args.run(&self.remote).await,
                Noun::Audit(args) => args.run(&self.remote).await,
            }
        })
    }
}
