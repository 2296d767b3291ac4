//! The operating system's chance. The only place that asks for it.

use scrip_domain::Entropy;

/// The operating system's random bytes.
#[derive(Clone, Copy, Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the chance that everybody else is given"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        // Without chance nothing that we do is safe; there is no going on.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
