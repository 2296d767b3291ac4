//! Deactivating machines.
