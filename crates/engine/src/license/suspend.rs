//! Suspending, resuming and revoking.
