//! Typed HTTP client of Scrip's public API.
