"""docs/deployment.md names every setting there is, and none that there is not."""

import re
from pathlib import Path

from backend.core.settings import Settings

PAGE = Path("docs/deployment.md").read_text(encoding="utf-8")
SETTING = re.compile(r"\b(?:RAPPORT_[A-Z_]*[A-Z]|MONGODB_URI|GOOGLE_APPLICATION_CREDENTIALS)\b")


def names() -> set[str]:
    """Return the environment variables that settings are read from."""
    prefix = Settings.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in Settings.model_fields.items()
    }


def test_every_setting_is_on_the_page_and_nothing_else() -> None:
    assert len(names()) == len(Settings.model_fields)
    assert set(SETTING.findall(PAGE)) == names()


def test_every_setting_is_explained_in_a_table_or_a_sentence_of_its_own_section() -> None:
    """A name in a command alone tells nobody what it does."""
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    assert set(SETTING.findall(prose)) == names()


def test_the_notifications_section_names_each_of_the_room() -> None:
    declared = Path("backend/core/settings.py").read_text(encoding="utf-8")
    room = declared.split("    # notifications\n")[1].split("\n    # ")[0]
    fields = re.findall(r"^    (\w+):", room, flags=re.MULTILINE)
    assert len(fields) >= 6
    section = PAGE.split("## Notifications\n")[1].split("\n## ")[0]
    prefix = Settings.model_config["env_prefix"]
    for name in fields:
        alias = Settings.model_fields[name].validation_alias
        assert f"`{alias or (prefix + name).upper()}`" in section, name
