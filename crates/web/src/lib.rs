//! The JSON API of Scrip.
