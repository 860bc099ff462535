"""Places on S3: every way to name one that a tenant must not touch."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.locations import location_of
from sagebridge.core.tenancy import Tenant, as_s3_uri, check_s3_uris


def limited_to(*prefixes: str) -> Tenant:
    return Tenant(
        regions=None,
        default_region="us-east-1",
        default_role=None,
        allowed_roles=(),
        default_bucket=None,
        allowed_prefixes=prefixes,
        policy_name="team-a",
    )


TEAM_A = limited_to("s3://data/team-a", "s3://models")


def channel(uri: str) -> dict[str, Any]:
    source = {"s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": uri}}
    return {"inputDataConfig": [{"channelName": "train", "dataSource": source}]}


@dataclass(frozen=True)
class UriCase:
    reason: str
    uri: str
    allowed: bool = False


URIS = [
    UriCase("under the prefix", "s3://data/team-a/train.csv", allowed=True),
    UriCase("the prefix with its slash", "s3://data/team-a/", allowed=True),
    UriCase("deep under the prefix", "s3://data/team-a/2024/01/part-0001", allowed=True),
    UriCase("a key prefix under the prefix", "s3://data/team-a/part-", allowed=True),
    UriCase("a bucket that is allowed as a whole", "s3://models", allowed=True),
    UriCase("anything in that bucket", "s3://models/x/model.tar.gz", allowed=True),
    UriCase("odd but plain characters", "s3://models/a=b/c+d (1).csv".replace(" ", "_"), allowed=True),
    UriCase("S3 also matches team-a-evil by this prefix", "s3://data/team-a"),
    UriCase("a name that only begins so", "s3://data/team-a-evil/train.csv"),
    UriCase("the directory above", "s3://data/"),
    UriCase("the whole bucket", "s3://data"),
    UriCase("another bucket", "s3://other/team-a/train.csv"),
    UriCase("a bucket that only begins so", "s3://models-evil/x"),
    UriCase("a bucket that only ends so", "s3://evil-models/x"),
    UriCase("up and away", "s3://data/team-a/../team-b/train.csv"),
    UriCase("up at the end", "s3://data/team-a/.."),
    UriCase("here", "s3://data/./team-a/train.csv"),
    UriCase("two slashes before the key", "s3://data//team-a/train.csv"),
    UriCase("two slashes within", "s3://data/team-a//train.csv"),
    UriCase("two slashes at the end", "s3://data/team-a//"),
    UriCase("three slashes", "s3:///data/team-a/train.csv"),
    UriCase("encoded dots", "s3://data/team-a/%2e%2E/team-b/train.csv"),
    UriCase("an encoded slash", "s3://data/team-a%2f..%2fteam-b"),
    UriCase("an encoded slash under the prefix", "s3://data/team-a/x%2F..%2F..%2Fteam-b"),
    UriCase("a backslash", "s3://data/team-a/..\\..\\team-b"),
    UriCase("a line break", "s3://data/team-a/x\ns3://data/team-b/y"),
    UriCase("a zero byte", "s3://data/team-a/x\x00y"),
    UriCase("a space before", " s3://data/team-a/train.csv"),
    UriCase("capitals in the scheme", "S3://data/team-a/train.csv"),
    UriCase("capitals in the bucket", "s3://Data/team-a/train.csv"),
    UriCase("capitals in the key are another key", "s3://data/Team-A/train.csv"),
    UriCase("Hadoop's scheme", "s3a://data/team-a/train.csv"),
    UriCase("credentials in the address", "s3://user@data/team-a/train.csv"),
    UriCase("a query behind the bucket", "s3://data?/team-a/train.csv"),
    UriCase("a port", "s3://data:443/team-a/train.csv"),
    UriCase("an access point's ARN", "arn:aws:s3:us-east-1:444455556666:accesspoint/team-a/object/x"),
    UriCase("an access point's ARN as a URI", "s3://arn:aws:s3:us-east-1:444455556666:accesspoint/team-a/x"),
    UriCase("an access point's alias", "s3://team-a-abcdefgh-s3alias/x"),
    UriCase("a bucket's ARN", "arn:aws:s3:::data/team-a/train.csv"),
    UriCase("a bucket's ARN in China", "arn:aws-cn:s3:::data/team-a/train.csv"),
    UriCase("an Outposts ARN", "arn:aws:s3-outposts:us-east-1:444455556666:outpost/o/bucket/b"),
    UriCase("a web address, path style", "https://s3.amazonaws.com/data/team-b/train.csv"),
    UriCase("a web address, host style", "https://data.s3.eu-west-1.amazonaws.com/team-b/train.csv"),
    UriCase("a web address, dual stack", "https://data.s3.dualstack.us-east-1.amazonaws.com/team-b"),
    UriCase("a web address in China", "https://data.s3.cn-north-1.amazonaws.com.cn/team-b"),
    UriCase("somebody's own host", "https://files.example.com/team-b/train.csv"),
    UriCase("no scheme", "data/team-b/train.csv"),
    UriCase("a file", "file:///etc/passwd"),
    UriCase("nothing", ""),
]


@pytest.mark.parametrize("case", URIS, ids=lambda case: case.reason)
def test_a_channels_place(case: UriCase) -> None:
    if case.allowed:
        check_s3_uris(TEAM_A, channel(case.uri))
        return
    with pytest.raises(NotAllowedError) as caught:
        check_s3_uris(TEAM_A, channel(case.uri))
    assert caught.value.field == "spec.inputDataConfig[0].dataSource.s3DataSource.s3Uri"


@dataclass(frozen=True)
class FieldCase:
    reason: str
    spec: dict[str, Any]
    field: str


EVIL = "s3://data/team-b/x"
FIELDS = [
    FieldCase("output", {"outputDataConfig": {"s3OutputPath": EVIL}}, "outputDataConfig.s3OutputPath"),
    FieldCase("checkpoints", {"checkpointConfig": {"s3Uri": EVIL}}, "checkpointConfig.s3Uri"),
    FieldCase("source", {"source": {"s3Uri": EVIL}}, "source.s3Uri"),
    FieldCase("debugger", {"debugHookConfig": {"s3OutputPath": EVIL}}, "debugHookConfig.s3OutputPath"),
    FieldCase(
        "a debugger rule's parameters",
        {"debugRuleConfigurations": [{"ruleParameters": {"source_s3_uri": EVIL}}]},
        "debugRuleConfigurations[0].ruleParameters.source_s3_uri",
    ),
    FieldCase("profiler", {"profilerConfig": {"s3OutputPath": EVIL}}, "profilerConfig.s3OutputPath"),
    FieldCase(
        "TensorBoard", {"tensorBoardOutputConfig": {"s3OutputPath": EVIL}}, "tensorBoardOutputConfig.s3OutputPath"
    ),
    FieldCase(
        "an entry point's argument",
        {"algorithmSpecification": {"containerArguments": ["--data", EVIL]}},
        "algorithmSpecification.containerArguments[1]",
    ),
    FieldCase(
        "a field nobody thought of", {"futureConfig": {"deep": [{"somewhere": EVIL}]}}, "futureConfig.deep[0].somewhere"
    ),
    FieldCase(
        "code that script mode's toolkit would fetch",
        {"hyperParameters": {"sagemaker_submit_directory": EVIL}},
        "hyperParameters.sagemaker_submit_directory",
    ),
    FieldCase(
        "the same as JSON, as the toolkit reads it",
        {"hyperParameters": {"sagemaker_submit_directory": f'"{EVIL}"'}},
        "hyperParameters.sagemaker_submit_directory",
    ),
    FieldCase(
        "the same from the web",
        {"hyperParameters": {"sagemaker_submit_directory": "https://evil.example/code.tar.gz"}},
        "hyperParameters.sagemaker_submit_directory",
    ),
    FieldCase(
        "another toolkit setting", {"hyperParameters": {"sagemaker_program": EVIL}}, "hyperParameters.sagemaker_program"
    ),
    FieldCase(
        "the serving toolkit's setting",
        {"environment": {"SAGEMAKER_SUBMIT_DIRECTORY": EVIL}},
        "environment.SAGEMAKER_SUBMIT_DIRECTORY",
    ),
    FieldCase(
        "a tuning definition's",
        {"trainingJobDefinition": {"staticHyperParameters": {"sagemaker_submit_directory": EVIL}}},
        "trainingJobDefinition.staticHyperParameters.sagemaker_submit_directory",
    ),
]


@pytest.mark.parametrize("case", FIELDS, ids=lambda case: case.reason)
def test_every_field_is_looked_at_and_named(case: FieldCase) -> None:
    with pytest.raises(NotAllowedError) as caught:
        check_s3_uris(TEAM_A, case.spec)
    assert caught.value.field == f"spec.{case.field}"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"hyperParameters": {"pretrained": EVIL}}, id="a hyperparameter that only the program reads"),
        pytest.param({"environment": {"DATA": EVIL}}, id="an environment value that only the program reads"),
        pytest.param({"hyperParameters": {"sagemaker_program": '"train.py"'}}, id="the script's name"),
        pytest.param({"hyperParameters": {"sagemaker_region": "us-east-1"}}, id="a toolkit setting that is no place"),
        pytest.param(
            {"hyperParameters": {"sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"'}},
            id="code that comes as a channel",
        ),
        pytest.param({"hyperParameters": {"sagemaker_epochs": 3}}, id="a number"),
        pytest.param({"tags": [{"key": "data", "value": EVIL}]}, id="a tag"),
        pytest.param({"outputDataConfig": {"s3OutputPath": "s3://data/team-a"}}, id="output goes under the prefix"),
        pytest.param({"checkpointConfig": {"localPath": "/opt/ml/checkpoints"}}, id="a path in the container"),
        pytest.param(
            {"inputDataConfig": [{"dataSource": {"fileSystemDataSource": {"directoryPath": "/fsx/team"}}}]}, id="FSx"
        ),
        pytest.param(
            {"algorithmSpecification": {"trainingImage": "1.dkr.ecr.eu-west-1.amazonaws.com/s3/x:1"}}, id="an image"
        ),
        pytest.param({"enableNetworkIsolation": True, "n": 1, "nothing": None}, id="no strings"),
    ],
)
def test_what_names_no_place_passes(spec: dict[str, Any]) -> None:
    check_s3_uris(TEAM_A, spec)


def test_the_message_says_what_is_allowed_and_by_whom() -> None:
    with pytest.raises(NotAllowedError) as caught:
        check_s3_uris(TEAM_A, channel(EVIL))
    assert "s3://data/team-b/x is outside what tenant policy team-a allows (s3://data/team-a, s3://models)" in str(
        caught.value
    )


def test_the_message_for_the_bare_prefix_says_to_add_a_slash() -> None:
    with pytest.raises(NotAllowedError, match="with a slash at the end"):
        check_s3_uris(TEAM_A, channel("s3://data/team-a"))


def test_a_resolved_request_is_named_as_such() -> None:
    with pytest.raises(NotAllowedError) as caught:
        check_s3_uris(TEAM_A, {"sourceUri": EVIL}, root="status")
    assert caught.value.field == "status.sourceUri"


def test_without_a_policy_there_is_no_limit() -> None:
    tenant = Tenant(
        regions=None,
        default_region="us-east-1",
        default_role=None,
        allowed_roles=(),
        default_bucket=None,
        allowed_prefixes=None,
    )
    check_s3_uris(tenant, channel("https://s3.amazonaws.com/any/where"))


def test_an_empty_list_allows_no_place() -> None:
    with pytest.raises(NotAllowedError, match=r"allows \(none\)"):
        check_s3_uris(limited_to(), channel("s3://data/x"))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("data", "s3://data"),
        ("s3://data", "s3://data"),
        ("s3://data/", "s3://data"),
        ("s3://data/a/b/", "s3://data/a/b"),
        (None, None),
        ("", None),
    ],
)
def test_buckets_are_written_one_way(text: str | None, want: str | None) -> None:
    assert as_s3_uri(text) == want


SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=8)


@given(st.lists(SEGMENT, max_size=6))
def test_no_key_that_passes_leaves_the_prefix_when_normalised(segments: list[str]) -> None:
    """However it is written: resolved as a file system or a URL library would, it stays inside."""
    import posixpath
    from urllib.parse import unquote

    uri = "s3://data/team-a/" + "/".join(segments)
    location = location_of(uri, field="s3Uri")
    if location is None or location.problem or not location.is_under("s3://data/team-a"):
        return
    resolved = posixpath.normpath(unquote(location.key))
    assert resolved == "team-a" or resolved.startswith("team-a/")
