//! Extensions: more time, uses or processings for a license that is there.
