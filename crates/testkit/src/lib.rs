//! A whole Scrip server on a fake clock, for tests.
