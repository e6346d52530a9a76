"""What phones hold is what the records have, and what phones may write, input may set."""

import pytest

from backend.core.sync import SyncedCollection
from backend.crm.synced import ACCOUNTS, ACTIVITIES, CONTACTS, TASKS
from backend.sales.synced import CONTRACTS, LEADS, OPPORTUNITIES, PAYMENTS, QUOTES

ALL = [ACCOUNTS, CONTACTS, TASKS, ACTIVITIES, OPPORTUNITIES, LEADS, QUOTES, CONTRACTS, PAYMENTS]


@pytest.mark.parametrize("collection", ALL, ids=lambda collection: collection.name)
def test_every_column_is_a_field_and_every_writable_one_editable(collection: SyncedCollection) -> None:
    fields = collection.record.model_fields
    assert [field.name for field in collection.fields if field.name not in fields] == []
    writable = {field.name for field in collection.fields if not field.server_owned}
    assert writable - collection.record.editable_fields() == set()
    needed = {name for name, field in fields.items() if field.is_required()}
    assert needed - writable <= {"pipeline_id"}  # which opportunities get from their workspace
