"""What pods printed, read by kubectl with its user's credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sagebridge.cli.objects import ObjectDeletedError
from sagebridge.core.clock import format_time, instant, parse_time
from sagebridge.core.logs.lines import WHOLE, Excerpt, LogLine, without_steering

_LINE: Final = re.compile(r"^\[pod/(?P<pod>[^/\]]+)/(?P<container>[^/\]]+)\] (?P<time>\S+) ?(?P<text>.*)$")
_MOST_PODS: Final = 1000

FEW: Final = 5
"""So many pods are read one by one, with a kubectl for each: that costs less than the logs of all of hundreds."""

_LATE: Final = timedelta(seconds=5)
"""So much later than another pod's newest line a line may still come: pods are read one after the other, and each has
its node's time."""

Kubectl = Callable[..., str]
"""Runs kubectl with arguments, in the object's namespace; what it prints."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRequest:
    """Logs to be read at one look.

    Attributes:
        container: The container that has them.
        previous: Whether they are those from before it was started anew.
        pods: The pods whose logs are wanted, and are few; None for those of all.
    """

    container: str
    previous: bool = False
    pods: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Printed:
    """A line as kubectl prints it, and its parts."""

    whole: str
    pod: str
    container: str
    time: str
    text: str

    @property
    def second(self) -> str:
        return self.time[:19] + "Z"


@dataclass(kw_only=True, slots=True)
class _Progress:
    """How far the log of a container was read; kubectl gives whole seconds again."""

    newest: str = ""
    seen: set[str] = field(default_factory=set)

    def is_new(self, line: _Printed) -> bool:
        return line.second >= self.newest and line.whole not in self.seen

    def remember(self, line: _Printed) -> None:
        if line.second > self.newest:
            self.newest, self.seen = line.second, set()
        if line.second == self.newest:
            self.seen.add(line.whole)


class PodLogs:
    """The logs of the pods of one attempt or endpoint, read on from where the last call stopped.

    Attributes:
        prefix: The label selector of the pods.
    """

    def __init__(
        self,
        kubectl: Kubectl,
        *,
        selector: str,
        container: str,
        excerpt: Excerpt = WHOLE,
        requests: Callable[[], Sequence[LogRequest]] | None = None,
        is_labelled: bool = False,
    ) -> None:
        """Prepare.

        Args:
            kubectl: Runs kubectl.
            selector: The label selector of the pods.
            container: The container whose log it is.
            excerpt: Which lines are wanted.
            requests: Says at each look what to read; only the container's logs by default.
            is_labelled: Whether each line is to begin with its pod; those of other containers do in any case.
        """
        self._kubectl = kubectl
        self.prefix = selector
        self._container = container
        self._excerpt = excerpt
        self._requests = requests or (lambda: (LogRequest(container=container),))
        self._is_labelled = is_labelled
        self._tail = excerpt.tail
        self._progress: dict[tuple[str, str], _Progress] = {}

    def new_lines(self, *, thorough: bool = False) -> list[LogLine]:
        """Return what came since the last call, in order of time; nothing while no pod has a log.

        Raises:
            ObjectError: kubectl is not there or is refused.
        """
        del thorough
        found = [line for request in self._requests() for line in self._read(request)]
        fresh = [line for line in dict.fromkeys(found) if self._progress_of(line).is_new(line)]
        for line in fresh:
            self._progress_of(line).remember(line)
        lines = map(self._line, sorted(fresh, key=lambda line: instant(line.time)))
        wanted = [line for line in lines if self._excerpt.takes(line.text)]
        tail, self._tail = self._tail, None
        return wanted if tail is None else wanted[len(wanted) - min(tail, len(wanted)) :]

    def _progress_of(self, line: _Printed) -> _Progress:
        return self._progress.setdefault((line.pod, line.container), _Progress())

    def _read(self, request: LogRequest) -> Iterator[_Printed]:
        pods = request.pods
        if pods is not None and len(pods) <= FEW:
            printed = "".join(self._printed_by(pod, request) for pod in sorted(pods))
        else:
            all_pods = (f"--selector={self.prefix}", f"--max-log-requests={_MOST_PODS}")
            printed = self._kubectl("logs", *all_pods, *_options(request, since=self._since(request)))
        for line in printed.splitlines():
            found = _LINE.match(line)
            if found and (pods is None or found["pod"] in pods):
                yield _Printed(whole=line, **found.groupdict())

    def _printed_by(self, pod: str, request: LogRequest) -> str:
        newest = "" if request.previous else self._progress.get((pod, request.container), _Progress()).newest
        try:
            return self._kubectl("logs", pod, *_options(request, since=max(newest, self._begin)))
        except ObjectDeletedError:
            return ""

    @property
    def _begin(self) -> str:
        """From when on lines are wanted; empty for all."""
        return format_time(datetime.fromtimestamp(self._excerpt.since / 1000, tz=UTC)) if self._excerpt.since else ""

    def _since(self, request: LogRequest) -> str:
        newest = max((one.newest for one in self._progress.values()), default="")
        if not newest or request.pods is not None:
            return self._begin
        return max(format_time(parse_time(newest) - _LATE), self._begin)

    def _line(self, line: _Printed) -> LogLine:
        is_other = line.container != self._container
        stream = f"{line.pod}/{line.container}" if is_other else line.pod
        return LogLine(
            timestamp=round(parse_time(line.time).timestamp() * 1000),
            stream=stream,
            text=without_steering(line.text),
            label=stream if is_other or self._is_labelled else "",
        )


def _options(request: LogRequest, *, since: str) -> list[str]:
    options = [f"--container={request.container}", "--prefix", "--timestamps", "--tail=-1", "--ignore-errors"]
    options += ["--previous"] if request.previous else []
    return [*options, f"--since-time={since}"] if since else options
