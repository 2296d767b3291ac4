//! Leave to work offline, and its return.
