//! Books in and out of SQLite and PostgreSQL.
