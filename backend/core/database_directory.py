"""The data directory of the embedded database: who owns it, and where its server is."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import structlog

from backend.core.errors import Unavailable

log = structlog.get_logger(__name__)


class DatabaseUnavailable(Unavailable):
    """The database cannot be started or used; the message says why and what to do."""


@dataclass(frozen=True)
class Endpoint:
    """Where the running server is, as other processes on the same directory read it."""

    pid: int
    port: int
    started_at: str


class DatabaseDirectory:
    """Keep the files around one store: ``database.lock``, ``database.json``, ``database/`` and its log.

    Whoever holds the lock owns the store. The kernel drops a lock with its process, so a lock is never
    stale; what a killed owner leaves behind is a server, and the endpoint file that leads to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.store_path = self.path / "database"
        self.log_path = self.path / "logs" / "database.log"
        self.configuration_path = self.path / "secantusd.toml"
        self._endpoint_path = self.path / "database.json"
        self._lock_path = self.path / "database.lock"
        self._lock: IO[str] | None = None

    def make(self) -> None:
        """Make the directory, readable by its owner alone. Raises: DatabaseUnavailable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.log_path.parent.mkdir(exist_ok=True)
            # Empty, so that the server does not go looking for somebody else's configuration file.
            self.configuration_path.touch()
        except OSError as error:
            raise DatabaseUnavailable(
                f"Cannot write to the data directory {self.path} ({error.strerror}); "
                "make it writable, or set RAPPORT_DATA_DIR to another directory."
            ) from error

    @property
    def is_ours(self) -> bool:
        """Say whether this object holds the lock."""
        return self._lock is not None

    def acquire_lock(self) -> bool:
        """Take the lock if it is free, and say whether that worked."""
        file = self._lock_path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._lock = file
        former = self._lock_path.read_text().strip()
        if former:  # a holder that ends in order wipes its name
            log.warning("database_taken_over", former_process=former, data_dir=str(self.path))
        self._write_holder(str(os.getpid()))
        return True

    def release_lock(self) -> None:
        """Give the lock back, if it is ours."""
        if self._lock is not None:
            self._write_holder("")
            self._lock.close()
            self._lock = None

    def _write_holder(self, holder: str) -> None:
        assert self._lock is not None
        self._lock.truncate(0)
        self._lock.write(holder)
        self._lock.flush()

    def read_holder(self) -> str:
        """Return the process id in the lock file; for messages only."""
        return self._lock_path.read_text().strip() or "unknown"

    def read_endpoint(self) -> Endpoint | None:
        """Return where the server was last said to be; None when nothing readable is there."""
        try:
            return Endpoint(**json.loads(self._endpoint_path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            log.warning("database_endpoint_unreadable", path=str(self._endpoint_path), cause=str(error))
            return None

    def write_endpoint(self, endpoint: Endpoint) -> None:
        """Say where the server is; readers see the old word or the new one, never half of it."""
        draft = self._endpoint_path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(endpoint)))
        draft.replace(self._endpoint_path)

    def remove_endpoint(self) -> None:
        """Say that no server runs."""
        self._endpoint_path.unlink(missing_ok=True)
