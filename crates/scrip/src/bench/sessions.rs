//! The accounts that ask, as session tokens: opened by a server in demo mode without the cost of a
//! password each.

use std::io::ErrorKind;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrip_client::{Client, Money};

use super::{BenchError, Common, Crowd};

/// How many accounts one call opens: answers of a megabyte, and the other commands of the server
/// not kept waiting.
const CHUNK: usize = 10_000;

/// Session tokens, drawn by chance and with replacement.
#[derive(Debug)]
pub(super) struct Sessions {
    tokens: Vec<String>,
    chance: ChaCha8Rng,
}

impl Sessions {
    /// Reads the tokens that are kept, opens what is missing, and keeps these too.
    pub(super) async fn obtain(common: &Common, crowd: &Crowd) -> Result<Self, BenchError> {
        let wanted = crowd.accounts as usize;
        let mut tokens = crowd.sessions.as_deref().map_or(Ok(Vec::new()), kept)?;
        tokens.truncate(wanted);
        if tokens.len() < wanted {
            open(common, crowd.tokens, wanted, &mut tokens).await?;
            if let Some(file) = &crowd.sessions {
                std::fs::write(file, tokens.join("\n"))
                    .map_err(BenchError::io(format!("keeping sessions in {}", file.display())))?;
            }
        }
        Ok(Self::new(tokens, crowd.seed))
    }

    pub(super) fn new(tokens: Vec<String>, seed: u64) -> Self {
        assert!(!tokens.is_empty(), "somebody must ask");
        Self { tokens, chance: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Any of the tokens, each as likely as the others.
    pub(super) fn draw(&mut self) -> &str {
        // A 32-bit fraction of the count: without a division, and even to one part in 40 000 for
        // 100 000 accounts.
        let fraction = u64::from(self.chance.next_u32());
        let at = (fraction * self.tokens.len() as u64) >> 32;
        &self.tokens[usize::try_from(at).expect("less than the count")]
    }
}

fn kept(file: &Path) -> Result<Vec<String>, BenchError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(BenchError::io(format!("reading {}", file.display()))(error)),
    }
}

async fn open(
    common: &Common,
    amount: u64,
    wanted: usize,
    tokens: &mut Vec<String>,
) -> Result<(), BenchError> {
    let admin = administrator(common)?;
    let funds = Money::new(amount, &admin.vendor().await?.token.code);
    while tokens.len() < wanted {
        let asked = (wanted - tokens.len()).min(CHUNK);
        let seeded = admin.seed(asked, &funds).await?;
        if seeded.sessions.len() != asked {
            return Err(BenchError::Seed { asked, opened: seeded.sessions.len() });
        }
        tokens.extend(seeded.sessions);
    }
    Ok(())
}

/// A client with the administrator's key.
fn administrator(common: &Common) -> Result<Client, BenchError> {
    let key = common.admin_key.as_deref().ok_or(BenchError::NoAdminKey)?;
    Ok(common.client()?.bearer(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_accounts_and_all_of_them() {
        let tokens: Vec<_> = (0..10).map(|n| n.to_string()).collect();
        let mut first = Sessions::new(tokens.clone(), 7);
        let mut again = Sessions::new(tokens, 7);
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            let drawn = first.draw().to_owned();
            assert_eq!(drawn, again.draw());
            counts[drawn.parse::<usize>().expect("a digit")] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
