"""Hand-computed cases that pin the model to docs/semantics.md §4, one rule each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.kit.model import Entry, Episode, State, state
from tests.kit.strategies import histories, times

_keys = iter(range(1, 1_000_000))


def day(number: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def entry(kind: str, at: float, **optional: Any) -> Entry:
    return Entry(kind=kind, occurred_at=day(at), dedup_key=next(_keys).to_bytes(16, "big"), **optional)


def transient(at: float, grace: float | None = 14, policy: str = "age", mail: str | None = None) -> Entry:
    deadline = None if grace is None else day(at + grace)
    return entry("transient_bounce", at, deadline=deadline, policy=policy, ses_message_id=mail, bounce_type="Transient")


def extended(at: float, to: float) -> Entry:
    return entry("deadline_extended", at, deadline=day(to))


def unblocked(at: float, *lifts: str) -> Entry:
    return entry("unblocked", at, lifts=lifts)


def suppressed(at: float, sent: float | None, bounce_type: str | None = "Permanent") -> Entry:
    return entry("ses_suppression", at, mail_sent_at=None if sent is None else day(sent), bounce_type=bounce_type)


def expired(history: list[Entry], at: float) -> datetime | None:
    return state(history, day(at)).causes.get("expired_transient")


def test_entries_without_effect_and_entries_after_t_change_nothing() -> None:
    kinds = ("not_spam", "auth_failure", "foreign_bounce", "promotion", "delivery", "deadline_extended")
    history = [entry(k, 1, deadline=day(2)) for k in kinds] + [entry("complaint", 10)]
    assert state(history, day(9)) == State()
    assert state(history, day(10)).causes == {"complaint": day(10)}


def test_a_cause_is_since_its_earliest_entry() -> None:
    history = [entry("permanent_bounce", 3), entry("permanent_bounce", 1), entry("stop_request", 2)]
    assert state(history, day(5)).causes == {"permanent_bounce": day(1), "stop_request": day(2)}


def test_an_unblock_lifts_only_the_causes_it_names() -> None:
    history = [entry("permanent_bounce", 1), entry("complaint", 2), unblocked(3, "permanent_bounce")]
    assert state(history, day(5)).causes == {"complaint": day(2)}


def test_a_cause_returns_only_with_an_entry_strictly_later_than_its_unblock() -> None:
    history = [entry("unsubscribed", 1), unblocked(3, "unsubscribed"), entry("unsubscribed", 3)]
    assert state(history, day(5)).causes == {}
    assert state([*history, entry("unsubscribed", 4)], day(5)).causes == {"unsubscribed": day(4)}
    assert state(history, day(2)).causes == {"unsubscribed": day(1)}


def test_the_reason_is_the_first_present_in_the_order_of_reasons() -> None:
    history = [transient(0, 1), suppressed(1, 1), entry("permanent_bounce", 2), entry("unsubscribed", 3)]
    history += [entry("complaint", 4), entry("stop_request", 5)]
    reasons = [state(history, day(t)).reason for t in (0, 1, 2, 3, 4, 5)]
    assert reasons == [None, "ses_suppression", "permanent_bounce", "unsubscribed", "complaint", "stop_request"]
    assert state(history[:1], day(1)).reason == "expired_transient"


def test_a_transient_is_an_episode_and_blocks_nothing_before_its_deadline() -> None:
    got = state([transient(0), transient(2), transient(1, 30)], day(13.9))
    episode = Episode(day(0), day(2), 3, day(14))
    assert got == State(episode=episode, kind="transient", first=day(0), last=day(2), count=3)


def test_an_episode_is_a_cause_from_its_deadline_on_and_still_there() -> None:
    got = state([transient(0)], day(14))
    assert got.causes == got.blocking == {"expired_transient": day(14)}
    assert got.episode == Episode(day(0), day(0), 1, day(14))
    assert (got.kind, got.reason) == ("permanent", "expired_transient")


def test_any_delivery_deletion_or_unblock_ends_an_episode_expired_or_not() -> None:
    for end in (entry("delivery", 20), entry("transient_deleted", 20), unblocked(20, "complaint")):
        assert state([transient(0), transient(20), end], day(21)) == State()
        later = state([transient(0), end, transient(20.5)], day(21))
        assert later.episode == Episode(day(20.5), day(20.5), 1, day(34.5))


def test_a_delivery_touches_no_other_cause() -> None:
    history = [entry("permanent_bounce", 1), entry("delivery", 2)]
    assert state(history, day(3)).causes == {"permanent_bounce": day(1)}


def test_the_deadline_is_the_earliest_stored_one_and_none_without_any() -> None:
    assert state([transient(0, 30), transient(5, 1)], day(5)).episode == Episode(day(0), day(5), 2, day(6))
    assert state([transient(0, None)], day(400)).episode == Episode(day(0), day(0), 1, None)


def test_the_latest_extension_replaces_the_stored_deadline_even_by_an_earlier_one() -> None:
    assert expired([transient(0), extended(1, 20), extended(2, 18)], 19) is None
    assert expired([transient(0), extended(1, 20), extended(2, 18)], 20) == day(20)
    assert expired([transient(0), extended(1, 5)], 5) == day(5)
    assert expired([transient(0, None), extended(1, 5)], 5) == day(5)


def test_an_extension_gives_at_most_30_days() -> None:
    assert expired([transient(0), extended(2, 90)], 40) == day(32)


def test_an_extension_counts_only_in_its_own_episode() -> None:
    assert expired([extended(0, 25), transient(1)], 20) == day(15)
    assert expired([extended(1, 25), transient(1)], 20) is None
    history = [transient(0), extended(1, 25), entry("delivery", 2), transient(3)]
    assert expired(history, 20) == day(17)


def test_an_extension_after_the_expiry_lifts_it_if_the_policy_is_not_expire() -> None:
    history = [transient(0), extended(16, 25)]
    assert (expired(history, 15), expired(history, 16), expired(history, 25)) == (day(14), None, day(25))


def test_age_and_rebounce_needs_two_different_mails_and_counts_from_the_later_of_both() -> None:
    same = [transient(0, 14, "age_and_rebounce", "m1"), transient(20, 14, "age_and_rebounce", "m1")]
    assert expired(same, 30) is None
    assert state(same, day(30)).kind == "transient"
    assert expired([*same, transient(22, 14, "age_and_rebounce", "m2")], 30) == day(22)
    assert expired([*same, transient(3, 14, "age_and_rebounce", "m2")], 30) == day(14)
    third = [*same, transient(22, 14, "age_and_rebounce", "m2"), transient(25, 14, "age_and_rebounce", "m3")]
    assert expired(third, 30) == day(22)
    # Without message ids every entry is a mail of its own.
    assert expired([transient(0, 14, "age_and_rebounce"), transient(15, 14, "age_and_rebounce")], 30) == day(15)


def test_the_policy_is_that_of_the_earliest_deadline_and_of_a_tie_the_first_in_the_alphabet() -> None:
    assert state([transient(0, 14, "expire"), transient(1, 1, "age")], day(9)).causes == {"expired_transient": day(2)}
    assert state([transient(0, 2, "age"), transient(1, 0, "expire")], day(9)) == State()
    assert expired([transient(0, 2, "expire"), transient(1, 1, "age")], 9) == day(2)
    # No deadline at all: age of the two, and it takes effect with an extension.
    assert expired([transient(0, None, "expire"), transient(1, None, "age"), extended(1, 2)], 9) == day(2)


def test_expire_ends_the_episode_at_the_deadline_without_a_cause() -> None:
    history = [transient(0, 14, "expire")]
    assert state(history, day(13)).kind == "transient"
    assert state(history, day(14)) == State()


def test_expire_a_bounce_later_than_the_deadline_opens_the_next_episode() -> None:
    history = [transient(0, 14, "expire"), transient(14, 14, "expire"), transient(15, 14, "expire")]
    assert state(history, day(20)).episode == Episode(day(15), day(15), 1, day(29))
    assert state(history[:2], day(20)).episode is None
    assert expired([transient(0, 14, "expire"), transient(20, 7, "age")], 27) == day(27)


def test_expire_an_extension_counts_only_if_made_by_the_deadline_in_force() -> None:
    base = transient(0, 14, "expire")
    assert state([base, extended(14, 20)], day(19)).episode == Episode(day(0), day(0), 1, day(20))
    assert state([base, extended(15, 20)], day(19)).episode is None
    assert state([base, extended(14, 20), extended(19, 30)], day(29)).episode == Episode(day(0), day(0), 1, day(30))
    assert state([base, extended(1, 3), extended(5, 30)], day(6)).episode is None
    # The late one belongs to the episode that is open when it is made.
    late = [base, transient(16, 4, "expire"), extended(17, 30)]
    assert state(late, day(25)).episode == Episode(day(16), day(16), 1, day(30))


def test_a_suppression_from_a_bounce_counts_only_if_its_mail_was_sent_after_the_last_unblock() -> None:
    for lifted in ("ses_suppression", "complaint"):
        assert state([unblocked(3, lifted), suppressed(4, 3)], day(5)).causes == {}
        assert state([unblocked(3, lifted), suppressed(4, 3.5)], day(5)).causes == {"ses_suppression": day(4)}
        assert state([unblocked(3, lifted), suppressed(4, None)], day(5)).causes == {"ses_suppression": day(4)}
    # From a complaint or from SES's list the send time says nothing.
    assert state([unblocked(3, "complaint"), suppressed(4, 1, None)], day(5)).causes == {"ses_suppression": day(4)}


def test_protection_keeps_the_causes_and_lets_only_the_wishes_block() -> None:
    history = [transient(0, 1), suppressed(0, 0), entry("permanent_bounce", 1)]
    got = state(history, day(2), protected=True)
    assert set(got.causes) == {"expired_transient", "ses_suppression", "permanent_bounce"}
    assert (got.blocking, got.reason, got.kind) == ({}, None, "permanent")
    history += [entry("complaint", 2), entry("unsubscribed", 2), entry("stop_request", 2)]
    got = state(history, day(2), protected=True)
    assert (set(got.blocking), got.reason) == ({"complaint", "unsubscribed", "stop_request"}, "stop_request")


def test_the_bounce_list_has_the_first_kind_present_and_no_row_for_wishes() -> None:
    assert state([entry("unsubscribed", 1), entry("stop_request", 1)], day(2)).kind is None
    history = [transient(0), suppressed(1, 1), entry("permanent_bounce", 2), entry("complaint", 3)]
    kinds = [state(history, day(t)).kind for t in (0, 1, 2, 3)]
    assert kinds == ["transient", "suppressed", "permanent", "complaint"]


def test_the_bounce_list_counts_all_bounces_and_complaints_but_no_suppressions() -> None:
    history = [transient(0), entry("delivery", 1), entry("permanent_bounce", 2), suppressed(3, 3)]
    got = state(history, day(4))
    assert (got.first, got.last, got.count) == (day(0), day(2), 2)
    got = state([suppressed(1, 1), suppressed(3, 3)], day(4))
    assert (got.kind, got.first, got.last, got.count) == ("suppressed", day(1), day(3), 0)


@given(st.data())
def test_the_order_of_the_entries_does_not_matter(data: st.DataObject) -> None:
    history = data.draw(histories())
    at, protected = data.draw(times(history)), data.draw(st.booleans())
    assert state(data.draw(st.permutations(history)), at, protected) == state(history, at, protected)
