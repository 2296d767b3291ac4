//! The nouns of Scrip and their arithmetic.
