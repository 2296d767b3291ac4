//! The verbs of Scrip, one file per use case.
