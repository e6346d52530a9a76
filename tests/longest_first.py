"""In which order the suite's files are handed to the processes that run it: the longest first.

``make test`` gives each process a file at a time in this order. xdist's own order begins with the files of
many tests, and so leaves to the end those that take long in few tests, with one process at work and the
others done. Before the longest come those that walk through all workspaces of the house, of which each test
leaves one more: at the suite's end one day that begins would take half a minute.
"""

import pytest

WALK_FIRST = (
    "tests/sales/test_contracts.py",
    "tests/identity/test_audit_trail.py",
    "tests/sales/test_payments.py",
    "tests/integrations/test_import_rights.py",
    "tests/integrations/test_import_runs.py",
    "tests/crm/test_privacy_erasure.py",
    "tests/crm/test_privacy_retention.py",
    "tests/notifications/test_clocks.py",
    "tests/notifications/test_quotes_expiring.py",
    "tests/notifications/test_devices.py",
    "tests/sales/test_quotes.py",
    "tests/mobile_sync/test_feed_keeping.py",
)
"""Files that let what a house does in all of its workspaces be done."""

LONGEST_FIRST = (
    "tests/leaks/test_leaks.py",
    "tests/eval/test_floors.py",
    "tests/e2e/test_chat.py",
    "tests/e2e/test_chat_networks.py",
    "tests/e2e/test_chat_tabs.py",
    "tests/e2e/test_chat_members.py",
    "tests/e2e/test_rep_app.py",
    "tests/e2e/test_a_working_day.py",
    "tests/e2e/test_processes.py",
    "tests/sync_proof/test_histories.py",
    "tests/assistant/test_bad_input.py",
    "tests/notifications/test_pings.py",
    "tests/sync_proof/test_missed.py",
    "tests/notifications/test_lines_on_phones.py",
    "tests/assistant/test_help_centre.py",
    "tests/notifications/test_outage.py",
    "tests/assistant/test_advice.py",
    "tests/notifications/test_pushes.py",
    "tests/assistant/test_predictions_asked.py",
    "tests/notifications/test_planning.py",
    "tests/core/test_embedded_database.py",
    "tests/notifications/test_every_channel.py",
    "tests/fuzz/test_fuzz.py",
    "tests/knowledge/test_shelf.py",
    "tests/assistant/test_kept_profiles.py",
    "tests/identity/test_portal.py",
    "tests/notifications/test_queue.py",
    "tests/notifications/test_reminders.py",
    "tests/notifications/test_webhooks.py",
    "tests/e2e/test_rep_app_pages.py",
    "tests/assistant/test_feedback.py",
    "tests/notifications/test_crash.py",
    "tests/phones/test_rxdb_phone.py",
    "tests/mobile_sync/test_phones.py",
    "tests/knowledge/test_public_bases.py",
    "tests/assistant/test_writer.py",
    "tests/assistant/test_demo_questions.py",
    "tests/assistant/test_choices.py",
    "tests/knowledge/test_embedding.py",
    "tests/assistant/test_damaged_index.py",
    "tests/service/test_calendar.py",
    "tests/service/test_seed.py",
    "tests/integrations/test_import_rows.py",
    "tests/core/test_audit_chain.py",
)
"""Files of some ten seconds of processor time and more, their own processes included, or of much waiting."""

ORDER = (*WALK_FIRST, *LONGEST_FIRST)


def put_longest_first(items: list[pytest.Item]) -> None:
    """Sort ``items``; those of one file stay together and in order."""
    places = {name: place for place, name in enumerate(ORDER)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
