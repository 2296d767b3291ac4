//! One suite for every database: each test is stamped on SQLite in memory, SQLite in a file, and
//! PostgreSQL.
#![expect(missing_docs, reason = "a test's name says what it shows")]

mod doctor;
mod home;

/// Stamps each test on each database.
macro_rules! conformance {
    ($($test:path as $name:ident),* $(,)?) => {
        mod memory { $(#[tokio::test] async fn $name() { crate::home::in_memory(stringify!($name), $test).await; })* }
        mod file { $(#[tokio::test] async fn $name() { crate::home::in_file($test).await; })* }
        mod on_postgres { $(#[tokio::test] async fn $name() { crate::home::on_postgres(stringify!($name), $test).await; })* }
    };
}

conformance! {
    crate::doctor::empty_books_are_sound as empty_books_are_sound,
    crate::doctor::sound_books_are_found_sound as sound_books_are_found_sound,
    crate::doctor::each_probe_sees_its_damage as each_probe_sees_its_damage,
    crate::doctor::a_probe_tells_what_and_at_most_ten as a_probe_tells_what_and_at_most_ten,
}
