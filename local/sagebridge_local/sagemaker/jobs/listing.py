"""List, as the service does it: it slices first and filters after.

The newest MaxResults jobs of any status are taken, then filtered, so a page may be empty and still have a NextToken:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html (note at the top) and
https://github.com/boto/boto3/issues/3347. Only CreationTimeAfter and CreationTimeBefore bound what is sliced.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import wire
from sagebridge_local.sagemaker.jobs import tokens
from sagebridge_local.sagemaker.jobs.table import BY_CREATION, JobTable, creation_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import SortKey

DEFAULT_PAGE: Final = 10


def list_jobs(table: JobTable, request: Mapping[str, Any], *, now: float) -> bytes:
    """Answer a List request.

    Args:
        table: the jobs of the account and region.
        request: a request that the model allows.
        now: the present, which decides what List shows yet.

    Returns:
        The reply, encoded: each element is encoded once per change of its job.

    Raises:
        ServiceError: ValidationException for a NextToken that is not of this query.
    """
    page, more = _slice(table, request, now=now)
    kind = table.kind
    chosen = [(test, request[name]) for name, test in kind.filters.items() if request.get(name) is not None]
    shown = b",".join(_summary(table, job) for job in page if all(test(job, value) for test, value in chosen))
    reply = b'{"%s":[%s]' % (kind.summaries_field.encode(), shown)
    if more:
        token = tokens.encode(list(_sort_key(table, request)(page[-1])), request=request)
        reply += b',"NextToken":"%s"' % token.encode()
    return reply + b"}"


def _summary(table: JobTable, job: Job) -> bytes:
    if job.summarised is None:
        job.summarised = wire.dump(table.kind.summarise(job))
    return job.summarised


def _slice(table: JobTable, request: Mapping[str, Any], *, now: float) -> tuple[list[Job], bool]:
    """The next MaxResults jobs of any state, and whether there are more."""
    limit = request.get("MaxResults", DEFAULT_PAGE)
    page: list[Job] = []
    for job in _candidates(table, request):
        if job.visible_from > now:
            continue
        if len(page) == limit:
            return page, True
        page.append(job)
    return page, False


def _candidates(table: JobTable, request: Mapping[str, Any]) -> Iterator[Job]:
    """Jobs in the asked order, from the token's position on, within the bounds of creation time."""
    key = _sort_key(table, request)
    ordered = table.ordered(request.get("SortBy", BY_CREATION), key)
    low, high = 0, len(ordered)
    after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
    bounded = ordered is table.jobs()
    if bounded:
        low, high = table.between(after=after, before=before)
    low, high = _continue(ordered, request, key=key, bounds=(low, high))
    positions = range(low, high) if _ascending(request) else range(high - 1, low - 1, -1)
    for position in positions:
        job = ordered[position]
        if bounded or _within(job, after=after, before=before):
            yield job


def _continue(
    ordered: Sequence[Job], request: Mapping[str, Any], *, key: SortKey, bounds: tuple[int, int]
) -> tuple[int, int]:
    low, high = bounds
    token = request.get("NextToken")
    if not token:
        return low, high
    position = tuple(tokens.decode(token, request=request))
    if _ascending(request):
        return max(low, bisect_right(ordered, position, key=key)), high
    return low, min(high, bisect_left(ordered, position, key=key))


def _ascending(request: Mapping[str, Any]) -> bool:
    return bool(request.get("SortOrder") == "Ascending")


def _sort_key(table: JobTable, request: Mapping[str, Any]) -> SortKey:
    return table.kind.sort_keys.get(request.get("SortBy", BY_CREATION), creation_key)


def _within(job: Job, *, after: float | None, before: float | None) -> bool:
    return (after is None or job.creation_time > after) and (before is None or job.creation_time < before)
