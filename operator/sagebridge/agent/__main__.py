"""`python -m sagebridge.agent prepare`, `… accompany`, `… fetch-model` and `… transform`.

Exit codes: 0 when all is where it belongs, 1 when it is not (the termination message says why), 143 when the pod was
told to end before, 2 for another command.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from sagebridge.agent.accompany import Surroundings, accompany
from sagebridge.agent.clock import Clock
from sagebridge.agent.failures import failure_reason, tell
from sagebridge.agent.fetch_model import fetch_model
from sagebridge.agent.host import Host
from sagebridge.agent.message import Message
from sagebridge.agent.places import Places
from sagebridge.agent.prepare import prepare
from sagebridge.agent.termination import Termination
from sagebridge.agent.transform.job import transform
from sagebridge.agent.transform.server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.agent.transform.message import TransformMessage

_USAGE: Final = "python -m sagebridge.agent prepare | accompany | fetch-model | transform"

_logger = logging.getLogger("sagebridge.agent")


def main(
    arguments: Sequence[str], *, environment: Mapping[str, str], places: Places, surroundings: Surroundings
) -> int:
    """Do one of them, and leave the termination message; returns the exit code."""
    message: Message | TransformMessage | None
    match list(arguments):
        case ["prepare"]:
            message = _prepare(environment, places, surroundings)
        case ["accompany"]:
            surroundings.termination.listen()
            message = _accompany(environment, places, surroundings)
        case ["fetch-model"]:
            message = fetch_model(environment, places, surroundings.clock)
        case ["transform"]:
            surroundings.termination.listen()
            message = transform(environment, places, surroundings, server=ModelServer())
        case _:
            _logger.error("Usage: %s", _USAGE)
            return 2
    if message is not None:
        message.write(places.termination_log)
        if message.failure_reason:
            _logger.error("%s", message.failure_reason)
    return message.exit_code if message is not None else 0


def _prepare(environment: Mapping[str, str], places: Places, surroundings: Surroundings) -> Message | None:
    host: Host | None = None
    try:
        host = Host.load(places, environment)
        prepare(host, clock=surroundings.clock, cgroup=surroundings.cgroup)
    except Exception as error:  # noqa: BLE001 - the owner of the job must read it, whatever it is
        tell(error)
        document = host.document if host else None
        return Message(failure_reason=failure_reason(error, doing="download", document=document))
    _logger.info("All is ready for training")
    return None


def _accompany(environment: Mapping[str, str], places: Places, surroundings: Surroundings) -> Message:
    try:
        host = Host.load(places, environment)
    except Exception as error:  # noqa: BLE001 - as above
        tell(error)
        return Message(stopped="", failure_reason=failure_reason(error, doing="upload", document=None))
    return accompany(host, surroundings)


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    _clock = Clock()
    sys.exit(
        main(
            sys.argv[1:],
            environment=os.environ,
            places=Places(),
            surroundings=Surroundings(clock=_clock, termination=Termination(_clock)),
        )
    )
