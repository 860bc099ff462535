"""An endpoint's lifecycle: created, updated, re-scaled, failed, deleted."""

import pytest

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e1"


async def test_an_endpoint_is_creating_until_its_fleet_answers(host):
    await host.model()
    await host.config()
    assert await host.endpoint() == ARN
    creating = await host.describe()
    host.call.advance(59)
    assert await host.status() == "Creating"
    host.call.advance(1)
    serving = await host.describe()

    assert "ProductionVariants" not in creating
    assert creating["PendingDeploymentSummary"]["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    assert serving["EndpointStatus"] == "InService"
    assert "PendingDeploymentSummary" not in serving
    assert serving["LastModifiedTime"] == creating["CreationTime"] + 60


async def test_what_describe_shows_of_a_variant(host):
    await host.serving()

    [shown] = (await host.describe())["ProductionVariants"]

    images = shown.pop("DeployedImages")
    assert images[0]["SpecifiedImage"] == "image:1"
    assert images[0]["ResolvedImage"].startswith("image@sha256:")
    assert shown == {
        "VariantName": "AllTraffic",
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
        "CurrentInstanceCount": 1,
        "DesiredInstanceCount": 1,
    }


async def test_a_name_that_is_taken(host):
    await host.serving()

    error = await host.call.refused("CreateEndpoint", EndpointName="e1", EndpointConfigName="c1")

    assert (error.code, error.message) == ("ValidationException", f'Cannot create already existing endpoint "{ARN}".')


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DeleteEndpoint"])
async def test_a_name_that_does_not_exist(sagemaker, operation):
    error = await sagemaker.refused(operation, EndpointName="e1")

    assert (error.code, error.message) == ("ValidationException", f'Could not find endpoint "{ARN}".')


async def test_a_configuration_that_does_not_exist(sagemaker):
    error = await sagemaker.refused("CreateEndpoint", EndpointName="e1", EndpointConfigName="c9")

    want = 'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c9".'
    assert (error.code, error.message) == ("ValidationException", want)


async def test_a_model_that_was_deleted_meanwhile(host, sagemaker):
    await host.model()
    await host.config()
    await sagemaker("DeleteModel", ModelName="m1")

    error = await sagemaker.refused("CreateEndpoint", EndpointName="e1", EndpointConfigName="c1")

    assert error.message == 'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/m1".'


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("UpdateEndpoint", {"EndpointConfigName": "c1"}),
        ("UpdateEndpointWeightsAndCapacities", {"DesiredWeightsAndCapacities": [{"VariantName": "AllTraffic"}]}),
        ("DeleteEndpoint", {}),
    ],
)
@pytest.mark.parametrize("busy", ["Creating", "Updating", "Deleting"])
async def test_a_busy_endpoint_is_left_alone(host, sagemaker, operation, members, busy):
    await host.serving()
    if busy == "Deleting":
        await sagemaker("DeleteEndpoint", EndpointName="e1")
    elif busy == "Updating":
        await host.update("c1")
    else:
        await host.endpoint("e2")
    name = "e2" if busy == "Creating" else "e1"

    error = await sagemaker.refused(operation, EndpointName=name, **members)

    want = f'Cannot update in-progress endpoint "{ARN.replace("e1", name)}".'
    assert (error.code, error.message) == ("ValidationException", want)


async def test_a_failed_endpoint_can_only_be_deleted(host, sagemaker):
    await host.model()
    await host.config()
    host.call.admin("POST", "endpoints/e1/outcome", outcome="Failed", failure_reason="no ping", seconds=5)
    await host.endpoint()
    host.call.advance(5)
    described = await host.describe()
    error = await sagemaker.refused("UpdateEndpoint", EndpointName="e1", EndpointConfigName="c1")
    changes = [{"VariantName": "AllTraffic", "DesiredWeight": 2.0}]
    other = await sagemaker.refused(
        "UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes
    )
    await sagemaker("DeleteEndpoint", EndpointName="e1")

    assert (described["EndpointStatus"], described["FailureReason"]) == ("Failed", "no ping")
    assert error.code == other.code == "ValidationException"
    assert await host.status() == "Deleting"


async def test_without_capacity_an_endpoint_fails(host):
    await host.model()
    await host.config()
    host.call.admin("POST", "faults", kind="capacity", operation="CreateEndpoint")
    await host.endpoint()
    host.call.advance(5)
    described = await host.describe()

    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith("Unable to provision requested ML compute capacity")


async def test_without_capacity_an_update_leaves_the_old_fleet_serving(host):
    await host.serving()
    await host.config("c2")
    host.call.admin("POST", "faults", kind="capacity", operation="UpdateEndpoint")
    await host.update("c2")
    host.call.advance(5)
    assert await host.status() == "RollingBack"
    host.call.advance(1)
    described = await host.describe()

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")
    assert described["FailureReason"].startswith("Unable to provision requested ML compute capacity")
    assert await host.share("c1", of=20) == 1.0


async def test_a_deleted_endpoint_is_gone_after_a_while_and_its_name_free(host, sagemaker):
    await host.serving()
    await sagemaker("DeleteEndpoint", EndpointName="e1")
    assert await host.status() == "Deleting"
    host.call.advance(5)

    assert (await sagemaker("ListEndpoints"))["Endpoints"] == []
    await host.endpoint()


async def test_weights_and_capacities_change_after_a_while(host, variant_of, sagemaker):
    await host.serving(variants=[variant_of("a"), variant_of("b")])
    changes = [{"VariantName": "a", "DesiredWeight": 3.0, "DesiredInstanceCount": 4}]
    await sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes)
    updating = await host.describe()
    host.call.advance(30)
    settled = await host.describe()

    def shown(described):
        first = described["ProductionVariants"][0]
        facts = ("CurrentWeight", "DesiredWeight", "CurrentInstanceCount", "DesiredInstanceCount")
        return described["EndpointStatus"], *(first[fact] for fact in facts)

    assert shown(updating) == ("Updating", 1.0, 3.0, 1, 4)
    assert shown(settled) == ("InService", 3.0, 3.0, 4, 4)


async def test_the_capacity_of_one_variant_is_changed_at_a_time(host, variant_of, sagemaker):
    await host.serving(variants=[variant_of("a"), variant_of("b")])
    for changes in (
        [{"VariantName": "a", "DesiredInstanceCount": 4}, {"VariantName": "b", "DesiredInstanceCount": 4}],
        [{"VariantName": "a", "DesiredInstanceCount": 4}, {"VariantName": "b", "DesiredWeight": 4.0}],
    ):
        error = await sagemaker.refused(
            "UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes
        )
        assert "or the capacity of one variant" in error.message


async def test_data_capture_is_no_property_that_an_update_can_exclude(host, sagemaker):
    await host.serving()
    await host.config("c2")
    error = await sagemaker.refused(
        "UpdateEndpoint",
        EndpointName="e1",
        EndpointConfigName="c2",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
    )
    assert "does not support DataCaptureConfig" in error.message


async def test_a_variant_that_does_not_exist_can_not_be_changed(host, sagemaker):
    await host.serving()
    changes = [{"VariantName": "none", "DesiredWeight": 1.0}]

    error = await sagemaker.refused(
        "UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes
    )

    assert "none" in error.message


async def test_provisioned_concurrency_of_a_serverless_variant_can_be_changed(host, sagemaker, variant_of):
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
    wanted = variant_of(InstanceType=None, InitialInstanceCount=None, ServerlessConfig=serverless)
    await host.serving(variants=[wanted])
    changes = [{"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"ProvisionedConcurrency": 3}}]
    await sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes)
    host.call.advance(30)

    [shown] = (await host.describe())["ProductionVariants"]
    assert shown["CurrentServerlessConfig"] == serverless | {"ProvisionedConcurrency": 3}
    assert "CurrentInstanceCount" not in shown


@pytest.mark.parametrize(
    ("reason", "members", "want"),
    [
        ("by default the new configuration wins", {}, (2, 5.0)),
        ("what is there is kept", {"RetainAllVariantProperties": True}, (7, 9.0)),
        (
            "but for what is excluded",
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            },
            (7, 5.0),
        ),
    ],
)
async def test_what_an_update_retains(host, variant_of, sagemaker, reason, members, want):
    await host.serving()
    changes = [{"VariantName": "AllTraffic", "DesiredWeight": 9.0, "DesiredInstanceCount": 7}]
    await sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes)
    host.call.advance(30)
    await host.config("c2", variants=[variant_of(InitialInstanceCount=2, InitialVariantWeight=5.0)])
    await host.update("c2", **members)
    host.call.advance(60)

    [shown] = (await host.describe())["ProductionVariants"]
    assert (shown["CurrentInstanceCount"], shown["CurrentWeight"]) == want, reason


async def test_instances_above_the_accounts_limit_are_refused(host, variant_of):
    host.call.admin("POST", "quotas", instances={"ml.m5.large for endpoint usage": 2})
    await host.serving(variants=[variant_of(InitialInstanceCount=2)])
    await host.config("c2")

    error = await host.call.refused("UpdateEndpoint", EndpointName="e1", EndpointConfigName="c2")

    assert error.code == "ResourceLimitExceeded"
    assert "'ml.m5.large for endpoint usage' is 2 Instances, with current utilization of 2 Instances" in error.message


async def test_list_by_status_and_order(host, sagemaker):
    await host.serving("b")
    await host.endpoint("a")

    async def names(**query):
        return [each["EndpointName"] for each in (await sagemaker("ListEndpoints", **query))["Endpoints"]]

    assert await names() == ["a", "b"]
    assert await names(SortBy="Name", SortOrder="Descending") == ["b", "a"]
    assert await names(StatusEquals="Creating") == ["a"]


async def test_serverless_refuses_models_that_it_does_not_serve(host, variant_of):
    await host.model(PrimaryContainer=None, Containers=[{"Image": "i"}, {"Image": "j"}])
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    await host.config(variants=[variant_of(InstanceType=None, InitialInstanceCount=None, ServerlessConfig=serverless)])

    error = await host.call.refused("CreateEndpoint", EndpointName="e1", EndpointConfigName="c1")

    assert "do not support models with several containers" in error.message


async def test_calls_are_counted_by_endpoint(host):
    await host.serving()
    await host.invoke()

    counted = host.call.service.calls.counters()["objects"]["e1"]
    assert (counted["CreateEndpoint"], counted["InvokeEndpoint"]) == ({"OK": 1}, {"OK": 1})


async def test_a_reset_forgets_endpoints(host, sagemaker):
    await host.serving()
    host.call.admin("POST", "reset")

    assert (await sagemaker("ListEndpoints"))["Endpoints"] == []
