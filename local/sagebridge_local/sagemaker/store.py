"""Everything the service remembers, by account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge_local.sagemaker import resources
from sagebridge_local.sagemaker.jobs.table import JobTable
from sagebridge_local.sagemaker.resources import Resource, ResourceKind, ResourceTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind


class Store:
    """A table for each kind in each account and region."""

    def __init__(self, kinds: Mapping[str, JobKind]) -> None:
        self._kinds = kinds
        self._tables: dict[tuple[str, str, str], JobTable] = {}
        self._resources: dict[tuple[str, str, str], ResourceTable[Any]] = {}

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

    def resources(self, kind: ResourceKind, *, account: str, region: str) -> ResourceTable[Any]:
        """The table of a kind of resource, made at first use."""
        key = (kind.name, account, region)
        table = self._resources.get(key)
        if table is None:
            table = self._resources[key] = ResourceTable(kind, account=account, region=region)
        return table

    def resource_tables(self, kind: ResourceKind) -> list[ResourceTable[Any]]:
        """All tables of a kind of resource that were used."""
        return [table for table in self._resources.values() if table.kind is kind]

    def find_by_arn(self, *, resource: str, account: str, region: str) -> Job | Resource | None:
        """What an ARN's resource part, such as training-job/NAME, names."""
        path, _, name = resource.partition("/")
        for kind in self._kinds.values():
            if kind.arn_path == path:
                return self.table(kind=kind.name, account=account, region=region).get(name)
        for each in resources.KINDS:
            if each.arn_path == path:
                found: Resource | None = self.resources(each, account=account, region=region).get(name)
                return found
        return None

    def named(self, name: str) -> list[tuple[JobTable, Job]]:
        """Every job of a name, in whatever account and region."""
        found = ((table, table.get(name)) for table in self._tables.values())
        return [(table, job) for table, job in found if job is not None]

    def clear(self) -> None:
        """Forget everything."""
        self._tables.clear()
        self._resources.clear()
