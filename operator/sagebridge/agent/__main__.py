"""`python -m sagebridge.agent <command>`: what one of the agent's containers does.

`prepare` and `accompany` come before training and stay beside it, `prepare-processing` and `accompany-processing` do so
for the container of a processing job; `fetch-model` comes before one that serves, and `transform` stays beside it.

Exit codes: 0 when all is where it belongs, 1 when it is not (the termination message says why), 143 when the pod was
told to end before, 2 for another command.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from sagebridge.agent.accompany import Companion, accompany
from sagebridge.agent.clock import Clock
from sagebridge.agent.failures import failure_reason, tell
from sagebridge.agent.fetch_model import fetch_model
from sagebridge.agent.host import Host, WorkHost
from sagebridge.agent.message import Message, WorkMessage
from sagebridge.agent.places import Places
from sagebridge.agent.prepare import prepare
from sagebridge.agent.processing.companion import ProcessingCompanion
from sagebridge.agent.processing.host import ProcessingHost
from sagebridge.agent.processing.message import ProcessingMessage
from sagebridge.agent.processing.prepare import prepare as prepare_processing
from sagebridge.agent.surroundings import Surroundings
from sagebridge.agent.termination import Termination
from sagebridge.agent.training import TrainingCompanion
from sagebridge.agent.transform.job import transform
from sagebridge.agent.transform.server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sagebridge.agent.transform.message import TransformMessage

H = TypeVar("H", bound=WorkHost[Any])
M = TypeVar("M", bound=WorkMessage)

_USAGE: Final = (
    "python -m sagebridge.agent "
    "prepare | accompany | prepare-processing | accompany-processing | fetch-model | transform"
)

_logger = logging.getLogger("sagebridge.agent")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind(Generic[H, M]):
    """A kind of work that has an agent before it and beside it.

    Attributes:
        load: Reads which host of which job this is.
        bring: Brings what the user's container is to find.
        companion: Makes what is beside it.
        message: One without anything in it.
    """

    load: Callable[[Places, Mapping[str, str]], H]
    bring: Callable[..., None]
    companion: Callable[[H, Surroundings], Companion[M]]
    message: M

    def prepare(self, environment: Mapping[str, str], places: Places, surroundings: Surroundings) -> M | None:
        """Do what comes before the work; returns the message of a failure, None when all is there. Blocks."""
        host: H | None = None
        try:
            host = self.load(places, environment)
            self.bring(host, clock=surroundings.clock, cgroup=surroundings.cgroup)
        except Exception as error:  # noqa: BLE001 - the owner of the job must read it, whatever it is
            tell(error)
            document = host.document if host else None
            return replace(self.message, failure_reason=failure_reason(error, doing="download", document=document))
        _logger.info("All is ready for the container")
        return None

    def accompany(self, environment: Mapping[str, str], places: Places, surroundings: Surroundings) -> M:
        """Do what is beside the work, and after it. Blocks."""
        surroundings.termination.listen()
        try:
            host = self.load(places, environment)
        except Exception as error:  # noqa: BLE001 - as above
            tell(error)
            reason = failure_reason(error, doing="upload", document=None)
            return replace(self.message, stopped="", failure_reason=reason)
        return accompany(host, surroundings, companion=lambda: self.companion(host, surroundings), message=self.message)


_TRAINING: Final = _Kind(load=Host.load, bring=prepare, companion=TrainingCompanion, message=Message())
_PROCESSING: Final = _Kind(
    load=ProcessingHost.load, bring=prepare_processing, companion=ProcessingCompanion, message=ProcessingMessage()
)


def main(
    arguments: Sequence[str], *, environment: Mapping[str, str], places: Places, surroundings: Surroundings
) -> int:
    """Do one of them, and leave the termination message; returns the exit code."""
    message: WorkMessage | TransformMessage | None
    match list(arguments):
        case ["prepare"]:
            message = _TRAINING.prepare(environment, places, surroundings)
        case ["prepare-processing"]:
            message = _PROCESSING.prepare(environment, places, surroundings)
        case ["accompany"]:
            message = _TRAINING.accompany(environment, places, surroundings)
        case ["accompany-processing"]:
            message = _PROCESSING.accompany(environment, places, surroundings)
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
