"""A gateway for a house without a push vendor."""

from collections import deque
from collections.abc import Sequence

import structlog

from notifications.gateways import Outcome, PushMessage, Verdict

log = structlog.get_logger(__name__)

_KEPT = 1_000


class RecordingGateway:
    """Log and record pushes in place of sending them.

    For a deployment without credentials, where the in-app inbox still works, and for tests. ``recorded``
    holds the newest 1,000 messages, oldest first. Its verdict is SENT with the reason RECORDED.
    """

    def __init__(self) -> None:
        self.recorded: deque[PushMessage] = deque(maxlen=_KEPT)
        self._count = 0

    async def send(self, messages: Sequence[PushMessage]) -> Sequence[Verdict]:
        """Record each message."""
        return [self._record(message) for message in messages]

    async def close(self) -> None:
        """Nothing is held."""

    def _record(self, message: PushMessage) -> Verdict:
        self.recorded.append(message)
        self._count += 1
        log.info(
            "push_recorded",
            mend="no push vendor is set up; set GOOGLE_APPLICATION_CREDENTIALS to send for real",
            registration_kind=message.registration.kind,
            collapse_key=message.collapse_key,
            is_silent=message.is_silent,
        )
        return Verdict(outcome=Outcome.SENT, reason="RECORDED", provider_message_id=f"recorded/{self._count}")
