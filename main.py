"""The front door: which rooms this house has, and its command line. Nothing imports it."""

import assistant.advice.module
import assistant.module
import backend.crm.module
import backend.identity.module
import backend.integrations.module
import backend.key_commands
import backend.sales.module
import backend.service.module
import knowledge.module
import mobile_sync.module
import notifications.module
from backend.cli import make_command_line

LISTENED_TO = (
    backend.identity.module.module,
    backend.crm.module.module,
    backend.sales.module.module,
    backend.service.module.module,
    backend.integrations.module.module,
    knowledge.module.module,
)
ROOMS = (*LISTENED_TO, notifications.module.make_module([room.telling for room in LISTENED_TO]))

MODULES = (
    *ROOMS,
    mobile_sync.module.make_module([collection for room in ROOMS for collection in room.synced]),
    assistant.module.module,
    assistant.advice.module.module,
    backend.key_commands.module,
)


def run() -> None:
    """Run the command line."""
    make_command_line(MODULES)()


if __name__ == "__main__":
    run()
