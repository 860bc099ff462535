"""The state of many jobs for the price of few calls.

List slices before it filters, so the cost of a filtered sweep follows the account's whole history. This one asks for
the newest first, from the oldest open job on, and stops when all are accounted for; and where other people's jobs make
even that dearer than a Describe each, it Describes: what is left once as many pages were read as jobs are missing, and
the next sweeps without another List. Source: "MaxResults" and "StatusEquals" in
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sagebridge.core.errors import CONNECTION_ERROR, TIMEOUT, AwsError, NotAllowedError
from sagebridge.core.observation import Observation
from sagebridge.kinds.kind import JobKind
from sagebridge.schema.casing import lower_first
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller, malformed, scope_of

PAGE = 100
CLOCK_SKEW = timedelta(minutes=2)
_RELIST_AFTER = 10
_ALIKE_FOR_ALL = (CONNECTION_ERROR, TIMEOUT)


@dataclass(kw_only=True, slots=True)
class _Cost:
    """What a sweep by List cost when it was last tried, in calls, and how many sweeps ago that was."""

    calls: int = 0
    sweeps_ago: int = 0


class Sweeper:
    """Looks at all open jobs of one kind in one account and region."""

    def __init__(self, *, kind: JobKind, caller: Caller, describe: Callable[[Handle], Awaitable[Observation]]) -> None:
        self._kind = kind
        self._caller = caller
        self._describe = describe
        self._costs: dict[object, _Cost] = {}

    async def sweep(self, handles: Sequence[Handle]) -> dict[str, Observation]:
        """Observe `handles`, all of one scope.

        Returns:
            UID to observation; a job that List does not show (yet) is left out.
        """
        if not handles:
            return {}
        cost = self._costs.setdefault(scope_of(handles[0]), _Cost())
        if len(handles) < cost.calls and cost.sweeps_ago < _RELIST_AFTER:
            cost.sweeps_ago += 1
            return await self._describe_all(handles, {})
        found, pages, is_cut_short = await self._list(handles)
        rest = [handle for handle in handles if handle.owner.uid not in found] if is_cut_short else []
        cost.calls, cost.sweeps_ago = pages + len(rest), 0
        return await self._describe_all(rest, found)

    async def _describe_all(
        self, handles: Sequence[Handle], listed: Mapping[str, Observation]
    ) -> dict[str, Observation]:
        """Add a look at each to what List has shown; who can't be looked at is left out, unless nobody can."""
        found = dict(listed)
        failure: Exception | None = None
        for handle in handles:
            try:
                found[handle.owner.uid] = await self._describe(handle)
            except (AwsError, NotAllowedError) as error:
                failure = error
                if isinstance(error, AwsError) and (error.is_throttle or error.code in _ALIKE_FOR_ALL):
                    break
        if failure is not None and not found:
            raise failure
        return found

    async def _list(self, handles: Sequence[Handle]) -> tuple[dict[str, Observation], int, bool]:
        """What List shows, the pages it took, and whether it was left because Describing the rest is cheaper."""
        wanted = {handle.name: handle.owner.uid for handle in handles}
        since = min(handle.since for handle in handles) - CLOCK_SKEW
        found: dict[str, Observation] = {}
        token, pages = "", 0
        while len(found) < len(wanted):
            reply = await self._page(handles[0], since=since, token=token)
            pages += 1
            found |= self._match(reply, wanted)
            token = reply.get("NextToken") or ""
            if not token:
                break
            if pages >= len(wanted) - len(found):
                return found, pages, len(found) < len(wanted)
        return found, pages, False

    async def _page(self, handle: Handle, *, since: Any, token: str) -> dict[str, Any]:
        request: dict[str, Any] = {
            "CreationTimeAfter": since,
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": PAGE,
        }
        if token:
            request["NextToken"] = token
        reply = await self._caller.call(handle, self._kind.list, request)
        if not isinstance(reply.get(self._kind.summaries_member), list):
            raise malformed(self._kind.list, self._kind.summaries_member)
        return reply

    def _match(self, reply: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Observation]:
        summaries = reply[self._kind.summaries_member]
        return {
            wanted[summary[self._kind.name_member]]: self._observation(summary)
            for summary in summaries
            if summary.get(self._kind.name_member) in wanted
            and summary.get(self._kind.status_member) in self._kind.phases
        }

    def _observation(self, summary: Mapping[str, Any]) -> Observation:
        kind = self._kind
        members = (kind.status_member, *kind.list_members)
        fields = {lower_first(member): _lowered(summary[member]) for member in members if summary.get(member)}
        return Observation(
            phase=kind.phases[summary[kind.status_member]], fields=fields, changed_at=summary.get("LastModifiedTime")
        )


def _lowered(value: Any) -> Any:
    """A member as status shows it: counters come as a structure."""
    return {lower_first(key): item for key, item in value.items()} if isinstance(value, Mapping) else value
