"""What an endpoint costs in calls to AWS, over its life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.endpoints import spec, variant

from .serving import Serving
from .world import World

SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}
STAGE_SECONDS = 1000.0
# Shared by all endpoints of an account and region, and by all objects of a tenant.
SHARED = {"ListEndpoints", "GetCallerIdentity"}
READS = ("Describe", "List")
_SWEEPS = 3


class Bill:
    """Counts the operator's calls, from one look to the next."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before = self._all()

    def due(self) -> Counter[str]:
        """The calls since the last look, but for what is shared."""
        now = self._all()
        spent, self._before = now - self._before, now
        return Counter({operation: count for operation, count in spent.items() if operation not in SHARED})

    def await_sweeps(self) -> None:
        """Wait until the endpoints of the account and region were swept some times."""
        wanted = self._all()["ListEndpoints"] + _SWEEPS
        self._world.eventually(lambda: self._all()["ListEndpoints"] >= wanted, "more sweeps")

    def _all(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for family in text_string_to_metric_families(self._world.page("metrics")[1]):
            for sample in family.samples:
                if sample.name == "sagebridge_aws_calls_total":
                    found[sample.labels["operation"]] += int(sample.value)
        return found


def assert_costs(spent: Counter[str], *, writes: dict[str, int], most_reads: int) -> None:
    """Exactly these writes, and no more reads than those."""
    reads = Counter({operation: count for operation, count in spent.items() if operation.startswith(READS)})
    assert spent - reads == Counter(writes)
    assert reads.total() <= most_reads, reads


def test_a_life_costs_few_calls_and_rest_none(alone: Callable[..., World]) -> None:
    world = alone(ENDPOINT_SWEEP_SECONDS="0.5")
    serving = Serving.really(world)
    serving.script(seconds=STAGE_SECONDS, scale_seconds=STAGE_SECONDS, delete_seconds=STAGE_SECONDS)
    bill = Bill(world)

    def changes(fields: dict[str, Any]) -> None:
        serving.objects.patch("scores", {"spec": fields})
        serving.objects.wait_reason("scores", "Updating")
        world.aws.advance(STAGE_SECONDS)
        serving.at_rest()

    serving.objects.create("scores", spec(variant("a"), history={"limit": 0}))
    serving.objects.wait_reason("scores", "Creating")
    world.aws.advance(STAGE_SECONDS)
    serving.at_rest()
    created = {"CreateModel": 1, "CreateEndpointConfig": 1, "CreateEndpoint": 1}
    # Absent, and again right before it is made; Creating, InService; and whose it is.
    assert_costs(bill.due(), writes=created, most_reads=5)

    bill.await_sweeps()
    assert not bill.due(), "at rest, only the sweep looks"

    changes(spec(variant("a"), data="2"))
    replaced = {"CreateModel": 1, "CreateEndpointConfig": 1, "UpdateEndpoint": 1}
    collected = {"DeleteEndpointConfig": 1, "DeleteModel": 1}
    # Right before, Updating, InService; whose it is right before; and whose the old config and model are.
    assert_costs(bill.due(), writes=replaced | collected, most_reads=6)

    for numbers in ({"initialVariantWeight": 2}, {"initialVariantWeight": 2, "initialInstanceCount": 3}):
        changes({"productionVariants": [variant("a", **numbers)]})
        # Right before, Updating, InService; and whose it is right before.
        assert_costs(bill.due(), writes={"UpdateEndpointWeightsAndCapacities": 1}, most_reads=4)

    # The weight goes back to what it was.
    changes({"productionVariants": [variant("a", autoscaling=SCALING)]})
    assert serving.targets() == {"a": (1, 4)}
    scaled = {"RegisterScalableTarget": 1, "PutScalingPolicy": 1, "UpdateEndpointWeightsAndCapacities": 1}
    assert_costs(bill.due(), writes=scaled, most_reads=8)

    bill.await_sweeps()
    assert not bill.due(), "at rest, only the sweep looks, whatever is registered"

    serving.objects.delete("scores")
    world.eventually(lambda: serving.described()["EndpointStatus"] == "Deleting", "the deletion")
    world.aws.advance(STAGE_SECONDS)
    serving.objects.wait_gone("scores")
    deleted = {"DeregisterScalableTarget": 1, "DeleteEndpoint": 1, **collected}
    # Whose it is: before its scaling goes, before itself, and of each config and model.
    assert_costs(bill.due(), writes=deleted, most_reads=13)
