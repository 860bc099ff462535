"""``sagebridge logs`` of an endpoint or a batch transform with target: Cluster, over what kubectl prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.cli.objects import ObjectDeletedError
from sagebridge.cli.pod_logs import LogRequest, PodLogs
from sagebridge.cli.serving_pods import ServingPods
from sagebridge.core.logs.lines import LogLine

SELECTOR = "sagebridge.io/endpoint=digits"
DONE = {"terminated": {"exitCode": 0}}
FAILED = {"terminated": {"exitCode": 1}}
RUNNING: Mapping[str, Any] = {"running": {}}
WAITING = {"waiting": {"reason": "PodInitializing"}}
SERVING = LogRequest(container="serve")


def pod(name: str, *, fetch: Mapping[str, Any] = DONE, fetched: int = 0, served: int = 0) -> dict[str, Any]:
    """A pod; `fetched` and `served` are how often its containers were started anew."""
    return {
        "metadata": {"name": name},
        "status": {
            "initContainerStatuses": [{"name": "fetch-model", "state": fetch, "restartCount": fetched}],
            "containerStatuses": [{"name": "serve", "state": RUNNING, "restartCount": served}],
        },
    }


def request(container: str, *pods: str, previous: bool = False) -> LogRequest:
    return LogRequest(container=container, previous=previous, pods=frozenset(pods))


class Kubectl:
    """Shows at each look the next of the given pods, and the logs that a test gives it."""

    def __init__(self, *looks: list[dict[str, Any]], **logs: str) -> None:
        self._looks = list(looks)
        self.logs = logs
        self.read: list[str] = []
        self.gone: set[str] = set()

    def __call__(self, *arguments: str) -> str:
        if arguments[1] in self.gone:
            raise ObjectDeletedError(f'pods "{arguments[1]}" not found')
        if arguments[0] == "logs":
            [container] = (one.partition("=")[2] for one in arguments if one.startswith("--container="))
            self.read.append(f"{'all' if arguments[1].startswith('--selector') else arguments[1]}/{container}")
        if arguments[0] == "get":
            assert f"--selector={SELECTOR}" in arguments
            return json.dumps({"items": self._looks.pop(0)})
        container = next(one for one in arguments if one.startswith("--container=")).partition("=")[2]
        name = container.replace("-", "_") + ("_before" if "--previous" in arguments else "")
        return self.logs.get(name, "")


def printed(container: str, *lines: tuple[int, str, str]) -> str:
    return "".join(f"[pod/{pod}/{container}] 2026-01-01T00:00:{second:02d}.5Z {text}\n" for second, pod, text in lines)


def reader(kubectl: Kubectl, *, is_labelled: bool = True) -> PodLogs:
    requests = ServingPods(kubectl, selector=SELECTOR).requests
    return PodLogs(kubectl, selector=SELECTOR, container="serve", requests=requests, is_labelled=is_labelled)


def shown(lines: list[LogLine]) -> list[str]:
    return [f"[{line.label}] {line.text}" if line.label else line.text for line in lines]


@pytest.mark.parametrize(
    ("reason", "pods", "want"),
    [
        ("pods that serve", [pod("a"), pod("b")], [SERVING]),
        ("no pod yet", [], [SERVING]),
        (
            "a download that goes on, and one that has failed",
            [pod("a"), pod("b", fetch=RUNNING), pod("c", fetch=FAILED)],
            [request("fetch-model", "b", "c"), SERVING],
        ),
        (
            "a download that fails again and again",
            [pod("a", fetch=WAITING, fetched=2)],
            [request("fetch-model", "a", previous=True), request("fetch-model", "a"), SERVING],
        ),
        ("a download that has succeeded in the end", [pod("a", fetched=2)], [SERVING]),
        (
            "a server that was started anew",
            [pod("a", served=1), pod("b")],
            [request("serve", "a", previous=True), SERVING],
        ),
        ("a pod without a node", [{"metadata": {"name": "a"}}], [request("fetch-model", "a"), SERVING]),
    ],
)
def test_what_is_read_at_first(reason: str, pods: list[dict[str, Any]], want: list[LogRequest]) -> None:
    assert ServingPods(Kubectl(pods), selector=SELECTOR).requests() == want, reason


def test_what_was_printed_before_a_new_start_is_read_once_for_each() -> None:
    looks = ([pod("a", served=1)], [pod("a", served=1)], [pod("a", served=2)])
    pods = ServingPods(Kubectl(*looks), selector=SELECTOR)
    before = request("serve", "a", previous=True)

    assert [pods.requests() for _ in looks] == [[before, SERVING], [SERVING], [before, SERVING]]


def test_the_last_words_of_a_download_are_read() -> None:
    looks = ([pod("a", fetch=RUNNING)], [pod("a")], [pod("a")])
    pods = ServingPods(Kubectl(*looks), selector=SELECTOR)
    fetch = request("fetch-model", "a")

    assert [pods.requests() for _ in looks] == [[fetch, SERVING], [fetch, SERVING], [SERVING]]


def test_a_sidecar_that_serves_a_batch_transform_is_looked_at() -> None:
    sidecar = {"name": "serve", "state": RUNNING, "restartCount": 3}
    transform = pod("a")
    transform["status"] = {"initContainerStatuses": [*transform["status"]["initContainerStatuses"], sidecar]}

    requests = ServingPods(Kubectl([transform]), selector=SELECTOR).requests()

    assert requests == [request("serve", "a", previous=True), SERVING]


def test_of_many_downloads_some_are_read_at_each_look_in_turn_and_each_to_its_end() -> None:
    names = [f"p{number}" for number in range(8)]
    going, done = [pod(name, fetch=RUNNING) for name in names], [pod(name) for name in names]
    pods = ServingPods(Kubectl(going, going, going, done, done, done), selector=SELECTOR)

    looks = [[one.pods for one in pods.requests() if one.container == "fetch-model"] for _ in range(6)]

    assert looks == [
        [frozenset(names)],
        [frozenset(names[:5])],
        [frozenset([*names[5:], *names[:2]])],
        [frozenset(names[:5])],
        [frozenset(names[5:])],
        [],
    ]


def test_the_logs_of_hundreds_are_not_read_for_the_sake_of_one() -> None:
    others = [pod(f"p{number}") for number in range(300)]
    kubectl = Kubectl(*[[*others, pod("a", fetch=WAITING, fetched=count, served=0)] for count in (0, 0, 1)])
    logs = reader(kubectl)
    for _ in range(3):
        logs.new_lines()

    assert kubectl.read == [
        *("a/fetch-model", "all/serve"),
        *("a/fetch-model", "all/serve"),
        *("a/fetch-model", "a/fetch-model", "all/serve"),
    ]


def test_a_download_is_read_on_from_where_it_was_read() -> None:
    fetching = [pod("a", fetch=RUNNING)]
    calls: list[tuple[str, ...]] = []
    kubectl = Kubectl(fetching, fetching, fetch_model=printed("fetch-model", (7, "a", "Downloading")))

    def noted(*arguments: str) -> str:
        calls.append(arguments)
        return kubectl(*arguments)

    requests = ServingPods(noted, selector=SELECTOR).requests
    logs = PodLogs(noted, selector=SELECTOR, container="serve", requests=requests)
    logs.new_lines()

    assert logs.new_lines() == []
    assert [call[-1] for call in calls if call[:2] == ("logs", "a")] == [
        "--ignore-errors",
        "--since-time=2026-01-01T00:00:07Z",
    ]


def test_a_pod_that_is_gone_between_two_calls_has_no_log() -> None:
    kubectl = Kubectl([pod("a", fetch=RUNNING)], serve=printed("serve", (1, "b", "ready")))
    kubectl.gone.add("a")

    assert shown(reader(kubectl).new_lines()) == ["[b] ready"]


def test_lines_say_which_pod_wrote_them_and_crashes_come_before_the_next_try() -> None:
    kubectl = Kubectl(
        [pod("a", served=1), pod("b", fetch=RUNNING)],
        serve_before=printed("serve", (1, "a", "ImportError: no module")),
        serve=printed("serve", (3, "a", "loading")),
        fetch_model=printed("fetch-model", (1, "a", "Downloading a"), (2, "b", "Downloading b")),
    )

    assert shown(reader(kubectl).new_lines()) == [
        "[a] ImportError: no module",
        "[b/fetch-model] Downloading b",
        "[a] loading",
    ]


def test_what_a_crashed_container_printed_comes_once_while_it_waits_to_be_started() -> None:
    """Until it is, the kubelet gives the same log with and without --previous."""
    said = printed("serve", (1, "a", "ImportError: no module"))
    waits = [pod("a", served=1)]
    logs = reader(Kubectl(waits, waits, serve_before=said, serve=said))

    assert shown(logs.new_lines()) == ["[a] ImportError: no module"]
    assert logs.new_lines() == []


def test_a_crash_between_two_looks_loses_no_line() -> None:
    kubectl = Kubectl([pod("a")], [pod("a", served=1)], serve=printed("serve", (1, "a", "one")))
    logs = reader(kubectl)
    logs.new_lines()
    kubectl.logs["serve_before"] = printed("serve", (1, "a", "one"), (2, "a", "ValueError: two"))
    kubectl.logs["serve"] = printed("serve", (30, "a", "again"))

    assert shown(logs.new_lines()) == ["[a] ValueError: two", "[a] again"]


def test_of_a_batch_transform_only_what_is_not_the_servers_is_marked() -> None:
    kubectl = Kubectl(
        [pod("a", fetch=FAILED)],
        serve=printed("serve", (2, "a", "ready")),
        fetch_model=printed("fetch-model", (1, "a", "no such bucket")),
    )

    assert shown(reader(kubectl, is_labelled=False).new_lines()) == ["[a/fetch-model] no such bucket", "ready"]
