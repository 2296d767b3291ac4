//! Activating machines.
