"""Phones of a workspace that has come to rest."""

import pytest

from tests.crew import Crew


@pytest.fixture
async def crew(crew: Crew) -> Crew:
    """The crew, after listeners have done their part for a new workspace: its pipelines are synced, too."""
    await crew.settle()
    return crew
