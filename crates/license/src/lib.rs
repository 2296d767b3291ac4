//! Authorization codes of Scrip: encode, sign, verify, offline.
