"""The demo workspace's files: read by each room's ``seed``, named by keys, dated relative to today."""

from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from backend.core.ids import derived_id

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "demo"
WORKSPACE_KEY = "hanlu"
PASSWORD = "rapport-demo"


@cache
def load(name: str) -> Any:
    """Return the content of ``examples/demo/<name>.yaml``."""
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def demo_id(kind: str, key: str) -> str:
    """Return the id of the demo record ``key``: the same in every demo workspace ever seeded."""
    return derived_id("demo", kind, key)


def days_ago(now: datetime, days: float | None) -> datetime | None:
    """Return the moment ``days`` before ``now``; negative days lie ahead."""
    return None if days is None else now - timedelta(days=days)


def hour_ago(now: datetime, days: int, hour: str) -> datetime:
    """Return ``hour`` (HH:MM in the workspace's time zone) of the day ``days`` before ``now``, aware."""
    zone = ZoneInfo(load("company")["workspace"]["time_zone"])
    day = (now.astimezone(zone) - timedelta(days=days)).date()
    return datetime.combine(day, time.fromisoformat(hour), zone)
