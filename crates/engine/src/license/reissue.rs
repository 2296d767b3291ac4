//! Issuing a code again.
