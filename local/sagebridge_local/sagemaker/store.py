"""Everything the service remembers, by account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge_local.sagemaker.jobs.table import JobTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind


class Store:
    """A table for each kind in each account and region."""

    def __init__(self, kinds: Mapping[str, JobKind]) -> None:
        self._kinds = kinds
        self._tables: dict[tuple[str, str, str], JobTable] = {}

    def table(self, *, kind: str, account: str, region: str) -> JobTable:
        """The table of a kind, made at first use."""
        key = (kind, account, region)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = JobTable(self._kinds[kind])
        return table

    def tables(self) -> Iterator[JobTable]:
        """All tables that were used."""
        yield from self._tables.values()

    def find_by_arn(self, *, resource: str, account: str, region: str) -> Job | None:
        """What an ARN's resource part, such as training-job/NAME, names."""
        path, _, name = resource.partition("/")
        for kind in self._kinds.values():
            if kind.arn_path == path:
                return self.table(kind=kind.name, account=account, region=region).get(name)
        return None

    def named(self, name: str) -> list[tuple[JobTable, Job]]:
        """Every job of a name, in whatever account and region."""
        found = ((table, table.get(name)) for table in self._tables.values())
        return [(table, job) for table, job in found if job is not None]

    def clear(self) -> None:
        """Forget everything."""
        self._tables.clear()
