"""``sagebridge logs`` of a job with target: Cluster, over what kubectl prints."""

from typing import Any

import pytest
from sagebridge.cli.logs import prefix_of, reader_of
from sagebridge.cli.pod_logs import PodLogs
from sagebridge.core.job import Job
from sagebridge.core.logs.lines import Excerpt


class Kubectl:
    """Prints what a test gives it, as `kubectl logs --prefix --timestamps` does."""

    def __init__(self, *outputs: str) -> None:
        self._outputs = list(outputs)
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, *arguments: str) -> str:
        self.calls.append(arguments)
        return self._outputs.pop(0)


def printed(*lines: tuple[int, str, str]) -> str:
    return "".join(f"[pod/{pod}/train] 2026-01-01T00:00:{second:02d}.5Z {text}\n" for second, pod, text in lines)


def logs(kubectl: Kubectl, excerpt: Excerpt | None = None) -> PodLogs:
    return PodLogs(kubectl, selector="a=b", container="train", excerpt=excerpt or Excerpt())


def test_lines_of_all_hosts_come_in_order_of_time() -> None:
    reader = logs(Kubectl(printed((1, "job-0", "one"), (3, "job-0", "three"), (2, "job-1", "two"))))

    assert [(line.stream, line.text) for line in reader.new_lines()] == [
        ("job-0", "one"),
        ("job-1", "two"),
        ("job-0", "three"),
    ]


def test_the_order_holds_below_a_millisecond() -> None:
    first, second = (f"[pod/{pod}/train] 2026-01-01T00:00:01.00000{us}Z {pod}\n" for us, pod in ((1, "b"), (2, "a")))
    reader = logs(Kubectl(second + first))

    assert [line.text for line in reader.new_lines()] == ["b", "a"]


def test_each_line_comes_once() -> None:
    first = printed((1, "job-0", "one"), (2, "job-0", "two"))
    kubectl = Kubectl(first, printed((2, "job-0", "two"), (2, "job-0", "again"), (4, "job-0", "four")), "")
    reader = logs(kubectl)
    reader.new_lines()

    assert [line.text for line in reader.new_lines()] == ["again", "four"]
    assert reader.new_lines() == []
    assert [call[-1] for call in kubectl.calls[1:]] == [
        "--since-time=2025-12-31T23:59:57Z",
        "--since-time=2025-12-31T23:59:59Z",
    ]


def test_a_line_that_comes_later_than_another_pods_next_one_is_not_lost() -> None:
    """Pods are read one after the other, and no two nodes have the same time."""
    reader = logs(Kubectl(printed((5, "job-0", "five")), printed((5, "job-0", "five"), (3, "job-1", "three"))))
    reader.new_lines()

    assert [line.text for line in reader.new_lines()] == ["three"]


def test_what_was_read_already_does_not_come_again_though_kubectl_gives_it() -> None:
    before = printed((1, "job-0", "one"), (9, "job-0", "nine"))
    reader = logs(Kubectl(before, before, printed((1, "job-0", "one"), (9, "job-0", "more"))))
    reader.new_lines()

    assert reader.new_lines() == []
    assert [line.text for line in reader.new_lines()] == ["more"]


def test_a_pod_that_has_no_log_yet_is_no_line() -> None:
    waits = 'error: container "train" in pod "job-1" is waiting to start\n'
    reader = logs(Kubectl(waits + printed((1, "job-0", "one"))))

    assert [line.text for line in reader.new_lines()] == ["one"]


def test_only_the_last_lines() -> None:
    reader = logs(
        Kubectl(printed((1, "job-0", "one"), (2, "job-0", "two")), printed((3, "job-0", "three"))), Excerpt(tail=1)
    )

    assert [line.text for line in reader.new_lines()] == ["two"]
    assert [line.text for line in reader.new_lines()] == ["three"]


def test_only_what_is_newer() -> None:
    kubectl = Kubectl("", printed((1, "job-0", "one")), printed((9, "job-0", "nine")), "")
    reader = logs(kubectl, Excerpt(since=1_767_225_600_000))
    for _ in range(4):
        reader.new_lines()

    assert [call[-1].partition("=")[2] for call in kubectl.calls] == [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:04Z",
    ]


def test_a_script_can_not_steer_the_terminal() -> None:
    [line] = logs(Kubectl(printed((1, "job-0", "\x1b[2Jdone\x07")))).new_lines()

    assert line.text == "done"


@pytest.mark.parametrize(
    ("reason", "kind", "container", "label"),
    [
        ("an endpoint's pods answer side by side", "Endpoint", "serve", "a-1"),
        ("a transform's log is that of its servers", "BatchTransform", "serve", ""),
        ("a training's log is that of its hosts", "TrainingJob", "train", ""),
        ("a processing job's, too", "ProcessingJob", "process", ""),
    ],
)
def test_which_lines_begin_with_their_pod(
    monkeypatch: pytest.MonkeyPatch, reason: str, kind: str, container: str, label: str
) -> None:
    def kubectl(*arguments: str, namespace: str) -> str:
        assert namespace == "n"
        return '{"items": []}' if arguments[0] == "get" else f"[pod/a-1/{container}] 2026-01-01T00:00:01.5Z one"

    monkeypatch.setattr("sagebridge.cli.logs.kubectl", kubectl)
    where = {"podSelector": "a=b", "container": container}
    body = {"kind": kind, "metadata": {"name": "a", "namespace": "n", "uid": "u"}, "status": {"logs": where}}
    reader = reader_of(Job.parse(body), client=lambda _: object(), excerpt=Excerpt())  # type: ignore[arg-type]

    assert [(line.label, line.text) for line in reader.new_lines()] == [(label, "one")], reason


@pytest.mark.parametrize(
    ("where", "prefix", "kind"),
    [
        ({"podSelector": "a=b", "container": "train"}, "a=b", "PodLogs"),
        ({"groupName": "/aws/g", "streamPrefix": "job/"}, "job/", "JobLogs"),
    ],
    ids=["cluster", "SageMaker"],
)
def test_the_status_tells_where_the_log_is(where: dict[str, str], prefix: str, kind: str) -> None:
    body: dict[str, Any] = {"metadata": {"name": "a", "namespace": "n", "uid": "u"}, "status": {"logs": where}}
    job = Job.parse(body)

    assert prefix_of(job) == prefix
    assert type(reader_of(job, client=lambda _: object(), excerpt=Excerpt())).__name__ == kind  # type: ignore[arg-type]
