"""Settings: where they come from, and the key that nobody had to make."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from backend.core.settings import Settings, read_secret_key


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("RAPPORT_PORT=9000\nRAPPORT_DEMO=0\n")
    monkeypatch.setenv("RAPPORT_PORT", "9001")
    monkeypatch.setenv("RAPPORT_ACCESS_TOKEN_MINUTES", "5")
    monkeypatch.setenv("MONGODB_URI", "mongodb://db.example/?replicaSet=rs0")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    settings = Settings()
    assert (settings.port, settings.demo) == (9001, False)
    assert settings.access_token_life == timedelta(minutes=5)
    assert settings.mongodb_uri.get_secret_value() == "mongodb://db.example/?replicaSet=rs0"
    assert settings.google_application_credentials is None


def test_a_short_secret_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError, match="has 9 characters, fewer than 32: make one with") as refusal:
        Settings(secret_key=SecretStr("tea-party"))
    assert "tea-party" not in str(refusal.value)


def test_the_generated_key_is_one_for_all_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as starters:
        keys = set(starters.map(lambda _: read_secret_key(settings), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((settings.data_dir / "secret.key").stat().st_mode) == 0o600


def test_a_given_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret_key=SecretStr("k" * 32))
    assert read_secret_key(settings) == "k" * 32
    assert not settings.data_dir.exists()
