//! What a server is among servers.

use crate::words;

words! {
    /// One thing that a server does.
    pub enum Role {
        /// Sells for its own token to accounts of its own.
        Vendor = "vendor",
        /// Sells for the token of a provider, who knows the buyers.
        Merchant = "merchant",
        /// Keeps accounts and wallets for merchants.
        Provider = "provider",
    }
}

/// What a server does: one thing or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

/// Why a server cannot do these things together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RolesError {
    /// It would do nothing.
    #[error("a server has a role at least")]
    None,
    /// The same twice.
    #[error("a role is given twice")]
    Twice,
    /// A merchant's buyers have no wallets there.
    #[error(
        "a merchant is nothing else: its buyers have their accounts and wallets at its provider"
    )]
    MerchantAnd,
}

impl Default for Roles {
    fn default() -> Self {
        Self(vec![Role::Vendor])
    }
}

impl Roles {
    /// These roles, in the order in which they are told.
    pub fn new(roles: &[Role]) -> Result<Self, RolesError> {
        let mut sorted = roles.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        match sorted.len() {
            0 => Err(RolesError::None),
            distinct if distinct < roles.len() => Err(RolesError::Twice),
            1 => Ok(Self(sorted)),
            _ if sorted.contains(&Role::Merchant) => Err(RolesError::MerchantAnd),
            _ => Ok(Self(sorted)),
        }
    }

    /// Whether the server has this one.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }

    /// Whether it sells: a provider alone keeps wallets, and sells nothing.
    pub fn sells(&self) -> bool {
        self.has(Role::Vendor) || self.has(Role::Merchant)
    }

    /// Whether it has a token and wallets of its own, so that other vendors may exchange with it.
    pub fn may_have_partners(&self) -> bool {
        self.has(Role::Vendor) || self.has(Role::Provider)
    }

    /// Whether it deals with other servers from the start, and so needs a name that they know it by.
    pub fn is_known_to_servers(&self) -> bool {
        self.has(Role::Merchant) || self.has(Role::Provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_is_nothing_else() {
        use Role::{Merchant, Provider, Vendor};
        let both = Roles::new(&[Provider, Vendor]).unwrap();
        assert_eq!(both.iter().collect::<Vec<_>>(), [Vendor, Provider]);
        assert!(both.has(Provider) && !both.has(Merchant) && both.is_known_to_servers());
        assert!(Roles::new(&[Merchant]).unwrap().is_known_to_servers());
        assert!(!Roles::default().is_known_to_servers());
        assert!(Roles::default().sells() && both.sells());
        assert!(!Roles::new(&[Provider]).unwrap().sells());
        assert!(Roles::default().may_have_partners() && both.may_have_partners());
        assert!(!Roles::new(&[Merchant]).unwrap().may_have_partners());
        assert_eq!(Roles::new(&[Merchant, Vendor]), Err(RolesError::MerchantAnd));
        assert_eq!(Roles::new(&[Provider, Merchant]), Err(RolesError::MerchantAnd));
        assert_eq!(Roles::new(&[Vendor, Vendor]), Err(RolesError::Twice));
        assert_eq!(Roles::new(&[]), Err(RolesError::None));
    }
}
