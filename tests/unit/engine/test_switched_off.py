"""Where there are no pods on the cluster: whoever asks for some is told what switches them on."""

from __future__ import annotations

import pytest
from sagebridge.core.cluster.job import ClusterSettings
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.placement import PlacementSettings
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.serving_inputs import ServingInputs
from support.endpoints import spec
from support.served_endpoints import endpoint_bench
from support.workbench import SPEC, Workbench

BY = "cluster.enabled, or without the chart SAGEBRIDGE_AGENT_IMAGE"


async def test_a_job_is_told_what_switches_it_on(bench: Workbench) -> None:
    inputs = InputResolver(
        client=bench.client,
        store=bench.store,
        tenants=bench.tenants,
        cluster="c",
        now=lambda: bench.now,
        runs_on_cluster=False,
    )
    job = bench.put(spec={**SPEC, "target": "Cluster"}).job

    with pytest.raises(NotAllowedError, match=f"^spec.target: Jobs on the cluster's own nodes are switched off.*{BY}"):
        await inputs.resolve(job, bench.kind, number=1)


async def test_an_endpoint_is_told_what_switches_it_on() -> None:
    async with endpoint_bench() as bench:
        inputs = ServingInputs(
            client=bench.client,
            endpoints=bench.inputs,
            settings=ClusterSettings(agent_image=""),
            placement=PlacementSettings(),
        )
        job = bench.put(spec=spec(target="Cluster")).job

        with pytest.raises(NotAllowedError, match=f"^spec.target: Pods on the cluster's own nodes are.*{BY}"):
            await inputs.resolve(job, agent_image="", running=())
