//! The promises of `trait Store`, asked of every store with the same questions: sled in a temporary folder, and the simulated one.
//! What only one of them can show (files, a power cut by hand) stands in a module of its own.

mod store_contract {
    pub mod access;
    pub mod again;
    pub mod batches;
    pub mod codes;
    pub mod commits;
    pub mod embedded;
    pub mod feed;
    pub mod format;
    pub mod home;
    pub mod inbound_log;
    pub mod kept;
    pub mod lines;
    pub mod once;
    pub mod profiles;
    pub mod purchases;
    pub mod replays;
    pub mod samples;
    pub mod simulated;
    pub mod standings;
    pub mod time;
    pub mod told;
    pub mod usage;
    pub mod verify;
}

use store_contract::{
    access, again, batches, codes, commits, feed, home, inbound_log, kept, lines, once, profiles, purchases,
    replays, standings, time, told, usage, verify,
};

/// Asks each question of both stores.
macro_rules! ask {
    ($($module:ident: $($question:ident)*;)*) => {
        mod sled {
            $($(#[test] fn $question() { super::$module::$question::<super::home::OnSled>(); })*)*
        }
        mod simulated {
            $($(#[test] fn $question() { super::$module::$question::<super::home::InMemory>(); })*)*
        }
    };
}

ask! {
    access:
        accounts_keys_and_uses_are_kept
        a_key_is_replaced_once_and_not_after_it_was_revoked
        an_account_is_made_once_and_changed_on_its_version
        a_deleted_account_leaves_nothing_and_gets_no_key
        open_rentals_are_counted;
    codes:
        an_accounts_codes_are_listed_newest_first_over_days
        a_report_changes_a_code_or_nothing
        a_step_stands_where_it_is_due_until_it_went;
    commits:
        a_message_is_new_once
        a_message_handed_in_many_times_at_once_is_new_once
        of_two_changes_to_one_rental_one_conflicts
        an_old_decision_on_a_closed_rental_conflicts_after_reopening
        of_many_rents_of_one_number_one_wins
        of_many_rents_of_a_shared_number_all_are_there_once_each_has_won
        an_end_and_a_message_decided_on_one_state
        a_repetition_is_a_duplicate_and_no_conflict
        a_message_without_a_text_is_kept
        commits_become_visible_in_their_order
        a_group_of_everything_is_whole
        after_closing_nothing_is_taken
        closing_finishes_what_is_queued;
    batches:
        an_unmatched_message_is_assigned_once
        a_sent_message_is_guarded_and_found_on_another_day
        known_messages_of_a_request_are_named_and_nothing_changes
        of_two_changes_to_a_set_one_conflicts
        waiting_parts_are_kept_and_end_in_the_order_of_their_time;
    feed:
        an_accounts_events_come_in_order_over_days_and_are_its_own
        a_reading_passes_over_what_is_not_wanted;
    kept:
        everything_is_equal_after_reopening
        a_retry_is_due_later
        a_delivered_event_is_no_longer_due
        an_exhausted_delivery_is_no_longer_due
        a_gone_subscriber_is_disabled_and_still_owed
        failures_of_one_group_are_all_counted
        a_late_attempt_brings_no_subscription_back
        a_forgotten_delivery_is_gone
        a_rescheduled_delivery_is_due_at_its_new_time_alone
        a_known_number_stays_as_it_is
        an_open_rental_still_ends_after_reopening;
    inbound_log:
        requests_are_paged_newest_first_over_days
        requests_are_kept_for_their_days
        requests_are_kept_up_to_their_bytes;
    again:
        both_kinds_are_owed_at_once_and_neither_ends_the_other
        what_was_delivered_is_owed_again_with_all_attempts_before_it
        attempts_of_both_kinds_have_one_count
        asked_for_twice_it_is_owed_once_and_now
        within_one_group_it_is_as_one_after_the_other
        in_any_order_both_kinds_keep_apart
        an_attempt_under_way_does_not_undo_a_newer_wish
        nothing_is_owed_to_a_subscription_that_is_gone;
    lines:
        a_changed_subscription_is_guarded_by_its_version
        a_line_lets_one_out_at_a_time
        a_line_holds_within_one_group_and_ends_empty
        a_long_queue_is_read_on_as_it_is_done_with;
    once:
        of_many_requests_with_one_key_one_is_made
        what_conflicts_leaves_no_answer
        an_answer_counts_for_its_time_over_midnight
        what_was_answered_is_answered_anew_or_forgotten;
    purchases:
        a_purchase_is_kept_with_its_rental
        of_two_steps_of_a_purchase_one_conflicts
        a_number_is_one_rentals_wherever_it_is_from
        a_supplier_is_judged_by_its_latest_rentals;
    profiles:
        profiles_and_templates_are_kept_and_their_accounts_own
        of_two_changes_to_one_profile_one_conflicts
        those_to_one_address_by_profiles_are_listed_over_days
        a_deleted_accounts_profiles_are_gone;
    replays:
        a_step_and_what_it_asks_for_are_one
        of_two_steps_from_one_state_one_conflicts
        what_is_forgotten_is_gone_and_a_gone_subscription_is_left_out;
    standings:
        deliveries_stand_as_their_attempts_say_in_both_orders
        a_filter_passes_over_and_a_page_goes_on_where_it_ended
        what_was_asked_for_again_is_told
        an_event_that_was_not_wanted_is_a_delivery_once_asked_for;
    told:
        a_change_of_health_is_told_to_the_accounts_others
        a_given_up_delivery_is_told_once_and_not_of_itself
        too_many_failures_are_told_with_their_last
        who_hears_is_decided_on_the_group_so_far;
    verify:
        a_step_is_kept_whole
        of_two_steps_on_one_state_one_conflicts
        a_thousand_guesses_at_once_are_five_and_one_is_right
        an_end_is_counted_once_and_in_its_order
        a_newer_one_to_the_same_person_is_found_over_midnight
        records_are_paged_and_forgotten
        the_audit_log_is_one_chain_over_openings_and_periods;
    usage:
        a_completion_is_metered_once_whatever_comes_with_it
        a_cancelled_one_is_not_metered_by_its_late_code
        usage_is_read_in_spans_over_periods_and_pages
        usage_outlives_the_logs_and_not_its_days;
    time:
        sequences_grow_whatever_the_clock_does
        a_message_is_known_for_three_days_and_over_midnight
        a_message_is_new_again_after_its_retention
        a_message_may_be_known_for_32_days
        rentals_are_paged_over_days_newest_first
        attempts_come_newest_first_over_days
        unmatched_messages_come_newest_first_over_days
        old_logs_are_dropped_whole;
}
