//! Taking uses and processings.
