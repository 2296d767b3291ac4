//! One suite for every database: each test is stamped on SQLite in memory, SQLite in a file, and
//! PostgreSQL. What only one of them can do stands in `sqlite` and `postgres`.

mod batches;
mod commands;
mod copies;
mod doctor;
mod figures;
mod home;
mod journal;
mod licenses;
mod listing;
mod model;
mod opening;
mod partners;
mod postgres;
mod reads;
mod refund_requests;
mod rows;
mod schema;
mod settlements;
mod sqlite;
mod staff;

/// Stamps each test on each database.
macro_rules! conformance {
    ($($module:ident: $($test:ident),+;)+) => {
        mod on_memory {
            $($(#[tokio::test]
            async fn $test() {
                crate::home::in_memory(stringify!($test), crate::$module::$test).await;
            })+)+
        }
        mod on_file {
            $($(#[tokio::test]
            async fn $test() {
                crate::home::in_file(crate::$module::$test).await;
            })+)+
        }
        mod on_postgres {
            $($(#[tokio::test]
            async fn $test() {
                crate::home::on_postgres(stringify!($test), crate::$module::$test).await;
            })+)+
        }
    };
}

conformance! {
    doctor:
        empty_books_are_sound,
        sound_books_are_found_sound,
        a_day_of_a_clock_that_was_set_back_is_found_right,
        each_probe_sees_its_damage,
        what_cannot_be_reckoned_is_told_from_what_cannot_be_asked,
        a_probe_tells_what_and_at_most_ten;
    batches:
        commands_of_a_batch_see_each_other,
        an_insert_and_its_update_are_written_once,
        absent_is_told_from_not_asked_for,
        what_was_not_asked_for_cannot_be_changed,
        a_refusal_goes_on_record,
        a_refusal_that_moves_value_is_a_fault,
        a_panic_is_the_fault_of_its_command,
        too_many_rows_are_a_fault,
        a_taken_key_fails_the_second_only,
        the_second_finds_what_the_first_wrote,
        a_freed_value_can_be_used_in_the_same_batch,
        the_schema_holds_the_floor,
        one_among_many_is_found,
        house_accounts_add_up,
        a_full_house_account_is_a_fault_of_one,
        a_full_queue_answers_at_once,
        what_an_absent_caller_ordered_is_done,
        receipts_are_numbered_without_gaps,
        observers_see_what_was_written,
        a_session_that_has_ended_is_nothing_that_is_remembered;
    rows:
        every_row_comes_back_as_it_was_written,
        what_no_column_holds_is_a_defect;
    copies:
        every_row_comes_over_and_back_as_it_was,
        sound_books_stay_sound,
        only_an_empty_database_is_copied_into,
        an_unfinished_copy_leaves_nothing,
        a_snapshot_of_an_older_database_is_refused;
    opening:
        everything_is_there_after_a_restart,
        a_newer_database_is_refused,
        a_foreign_migration_is_refused,
        a_bundle_that_lacks_something_closes_with_the_update,
        an_unknown_word_is_named,
        an_unreadable_row_fails_only_who_wants_it,
        a_stopped_writer_is_told;
    listing:
        lists_hold_what_each_sees_and_nothing_else,
        common_words_are_found_like_rare_ones,
        categories_are_those_of_what_is_seen,
        any_question_is_only_words,
        what_changes_is_found_by_its_new_words_only;
    journal:
        a_journal_comes_to_what_the_counters_say,
        a_period_opens_with_what_was_before,
        a_journal_is_of_one_moment_and_one_at_a_time,
        a_statement_follows_an_account_and_a_list_has_every_line;
    staff:
        nobody_works_in_an_empty_database,
        staff_are_found_by_address_invitation_and_token;
    reads:
        every_read_answers_on_an_empty_database,
        lists_go_down_from_the_newest,
        the_cheapest_offer_is_current_and_not_free,
        orders_come_with_all_that_hangs_from_them,
        what_is_about_an_order_is_found_and_nothing_else,
        what_a_merchant_waits_for_is_told_from_what_is_payable,
        checkouts_are_found_by_what_is_due_and_by_the_providers_names,
        the_feed_goes_by_places,
        licenses_that_were_issued_are_told_beside_their_order,
        what_webhooks_wait_for_is_found_by_endpoint,
        letters_are_found_by_what_is_due_and_by_address,
        restores_are_found_by_what_is_due,
        exchanges_are_found_by_what_is_due_and_by_whose_they_are,
        a_quote_is_used_once;
    licenses:
        a_library_goes_down_by_its_orders,
        what_hangs_from_a_license_is_found_by_it;
    refund_requests:
        what_buyers_ask_back_is_found_by_order_state_and_account,
        what_is_kept_of_an_account_is_found_by_it,
        sessions_are_found_newest_first_whether_they_are_good_or_have_ended,
        accounts_to_be_swept_are_found_when_they_are_due,
        what_is_under_way_of_an_account_is_told_once;
    figures:
        a_day_counts_what_was_booked_in_it_and_nothing_else,
        orders_and_top_ups_are_found_by_state,
        a_day_of_a_clock_that_was_set_back_is_counted_whole,
        days_are_kept_in_order;
    settlements:
        a_cycle_holds_what_is_owed_for_it_in_order,
        what_a_restored_partner_is_shown_comes_in_order_and_of_late;
    partners:
        what_partners_are_to_be_told_is_found_by_when_it_is_due,
        links_are_found_by_whose_they_are_and_by_what_opens_them;
}
