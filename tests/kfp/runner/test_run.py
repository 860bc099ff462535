"""What depends on what, conditions, loops, exit tasks, retries and the cache, of pipelines as kfp compiles them."""

import contextlib
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from kfp import dsl, kubernetes
from sagebridge_kfp.step.identity import identify
from support.kfp_runner import Cache, Compiled, Finished, Place, Pod, Run, State
from support.waiting import eventually

from .scripted import Scripted

AS_IT_IS = {"base_image": "python:3.11", "install_kfp_package": False}
_failing: dict[str, int] = {}


@dsl.component(**AS_IT_IS)
def say(word: str) -> str:
    if _failing.get(word, 0) > 0:
        _failing[word] -= 1
        raise ValueError(f"{word} is not said")
    return word


@dsl.component(**AS_IT_IS)
def measure(value: float) -> float:
    return value


@dsl.component(**AS_IT_IS)
def show(item: dict) -> dict:
    return item


@dsl.component(**AS_IT_IS)
def repeat(word: Optional[str] = "nothing") -> str:  # noqa: UP045 - as kfp reads it
    return str(word)


Runs = Callable[..., Finished]


@pytest.fixture
def failing() -> Iterator[dict[str, int]]:
    """How often a word is not said before it is."""
    yield _failing
    _failing.clear()


@pytest.fixture
def pods() -> Scripted:
    return Scripted(say, measure, show, repeat)


@pytest.fixture
def run(pods: Scripted, tmp_path: Path) -> Runs:
    """Compile and run a pipeline."""

    def start(pipeline: Callable[..., Any], *, cache: Cache | None = None, run_id: str = "", **arguments: Any) -> Any:
        compiled = Compiled.of(dsl.pipeline(name="words")(pipeline), tmp_path)
        place = Place(directory=tmp_path)
        return Run(compiled, place=place, arguments=arguments, cache=cache, run_id=run_id, execute=pods).run()

    return start


def states(finished: Finished) -> dict[str, State]:
    return {path: record.state for path, record in finished.tasks.items()}


def test_outputs_go_on(run: Runs, pods: Scripted) -> None:
    def pipeline(word: str) -> None:
        first = say(word=word)
        say(word=f"{first.output} again")

    finished = run(pipeline, word="hello")
    assert finished.state is State.SUCCEEDED
    assert pods.tasks == ["say", "say-2"]
    assert finished["say-2"].outputs.parameters == {"Output": "hello again"}


@pytest.mark.parametrize(("arguments", "want"), [({}, "nothing"), ({"word": "a"}, "a")])
def test_an_argument_that_nobody_has_given_leaves_a_components_default(
    run: Runs, arguments: dict[str, str], want: str
) -> None:
    def pipeline(word: Optional[str] = None) -> None:  # noqa: UP045
        repeat(word=word)

    finished = run(pipeline, **arguments)
    assert finished.state is State.SUCCEEDED, finished.told()
    assert finished["repeat"].outputs.parameters == {"Output": want}


def test_what_depends_on_a_failed_task_is_not_begun(run: Runs, failing: dict[str, int]) -> None:
    def pipeline() -> None:
        first = say(word="a")
        say(word="b").after(first)
        say(word="c")

    failing["a"] = 9
    finished = run(pipeline)
    assert finished.state is State.FAILED
    assert states(finished) == {"say": State.FAILED, "say-2": State.OMITTED, "say-3": State.SUCCEEDED}
    assert "exit status 1" in finished["say"].error
    assert "a is not said" in finished.told()


@pytest.mark.parametrize(("value", "state"), [(0.95, State.SUCCEEDED), (0.9, State.SUCCEEDED), (0.8, State.SKIPPED)])
def test_a_condition(run: Runs, value: float, state: State) -> None:
    def pipeline(value: float, least: float = 0.9) -> None:
        with dsl.If(measure(value=value).output >= least):
            say(word="good")

    finished = run(pipeline, value=value)
    assert finished["condition-1"].state is state
    assert ("condition-1/say" in finished.tasks) is (state is State.SUCCEEDED)
    assert finished.state is State.SUCCEEDED, "a condition that does not hold is no failure"


def test_a_loop(run: Runs, pods: Scripted) -> None:
    def pipeline() -> None:
        with dsl.ParallelFor([{"word": "a", "rate": 1.0}, {"word": "b", "rate": 0.5}]) as each:
            say(word=each.word)
            show(item=each)

    finished = run(pipeline)
    assert finished.state is State.SUCCEEDED, finished.told()
    assert sorted(pods.tasks) == sorted(f"for-loop-2[{i}]/{name}" for i in range(2) for name in ("say", "show"))
    assert [finished[f"for-loop-2[{i}]/say"].outputs.parameters["Output"] for i in range(2)] == ["a", "b"]
    assert finished["for-loop-2[0]/show"].outputs.parameters["Output"] == {"word": "a", "rate": 1}


def test_no_more_iterations_at_once_than_the_loop_allows(tmp_path: Path, pods: Scripted) -> None:
    @dsl.pipeline(name="words")
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b", "c", "d"], parallelism=2) as word:
            say(word=word)

    three, met = threading.Barrier(3), list[str]()

    def execute(pod: Pod, *given: Any, started: Callable[[Pod], None]) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):
            three.wait(timeout=0.5)
            met.append(pod.task)
        return pods(pod, *given, started=started)

    run = Run(Compiled.of(pipeline, tmp_path), place=Place(directory=tmp_path), execute=execute)
    assert run.run().state is State.SUCCEEDED
    assert met == []


def test_a_field_of_a_loops_item_within_a_text_is_refused_as_the_driver_does(run: Runs) -> None:
    """What kfp compiles of it asks the pipeline for an input that it does not have."""

    def pipeline() -> None:
        with dsl.ParallelFor([{"word": "a"}]) as each:
            say(word=f"{each.word} again")

    finished = run(pipeline)
    assert finished.state is State.FAILED
    assert "parent DAG does not have input parameter" in finished["for-loop-2"].error


def test_one_iteration_that_fails_fails_the_loop(run: Runs, failing: dict[str, int]) -> None:
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]) as word:
            say(word=word)

    failing["b"] = 9
    finished = run(pipeline)
    loop, *iterations = sorted(finished.tasks)
    assert [finished[path].state for path in (loop, *iterations)] == [State.FAILED, State.SUCCEEDED, State.FAILED]
    assert finished.state is State.FAILED


def test_a_loop_over_dictionaries_within_an_exit_handler_is_refused_as_the_driver_does(run: Runs) -> None:
    """What kfp compiles of it asks the pipeline for the loop's item: kubeflow/pipelines#13273."""

    def pipeline() -> None:
        with dsl.ExitHandler(say(word="end")), dsl.ParallelFor([{"word": "a"}]) as each:
            say(word=each.word)

    finished = run(pipeline)
    assert finished.state is State.FAILED
    assert "parent DAG does not have input parameter" in finished["exit-handler-1"].error
    assert finished["say"].state is State.OMITTED, "what has not begun has no exit"


@pytest.mark.parametrize(("times", "state"), [(0, State.SUCCEEDED), (9, State.FAILED)])
def test_an_exit_task_runs_whatever_has_happened(
    run: Runs, pods: Scripted, failing: dict[str, int], times: int, state: State
) -> None:
    def pipeline() -> None:
        with dsl.ExitHandler(say(word="end")):
            say(word="a")

    failing["a"] = times
    finished = run(pipeline)
    assert finished.state is state
    assert pods.tasks == ["exit-handler-1/say-2", "say"]
    assert finished["say"].state is State.SUCCEEDED
    assert pods.pods[-1].node.endswith(".root.exit-handler-1.onExit.say.executor")


def test_a_retry_is_another_pod_of_the_same_node(run: Runs, pods: Scripted, failing: dict[str, int]) -> None:
    def pipeline() -> None:
        kubernetes.use_field_path_as_env(
            say(word="a").set_retry(num_retries=2), "SAGEBRIDGE_RUN_ID", "metadata.labels['pipeline/runid']"
        )

    failing["a"] = 2
    finished = run(pipeline, run_id="run-1")
    assert finished["say"].state is State.SUCCEEDED
    assert [re.sub(r"^words-\w+", "", pod.node) for pod in pods.pods] == [
        f".root.say.executor({number})" for number in range(3)
    ]
    assert len({pod.name for pod in pods.pods}) == len({pod.uid for pod in pods.pods}) == 3
    assert [environment["SAGEBRIDGE_RUN_ID"] for environment in pods.environments] == ["run-1"] * 3
    assert [environment["KFP_POD_NAME"] for environment in pods.environments] == [pod.name for pod in pods.pods]


def test_there_are_no_more_retries_than_asked_for(run: Runs, pods: Scripted, failing: dict[str, int]) -> None:
    def pipeline() -> None:
        say(word="a").set_retry(num_retries=1)

    failing["a"] = 9
    assert run(pipeline)["say"].state is State.FAILED
    assert len(pods.pods) == 2


def test_all_containers_can_have_retries(tmp_path: Path, pods: Scripted, failing: dict[str, int]) -> None:
    @dsl.pipeline(name="words")
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]) as word:
            say(word=word)

    failing["a"] = 3
    compiled = Compiled.of(pipeline, tmp_path)
    place = Place(directory=tmp_path)
    assert Run(compiled.with_retries(3), place=place, execute=pods).run().state is State.SUCCEEDED
    assert len(pods.pods) == 5


def test_tasks_and_iterations_are_known_apart(run: Runs, pods: Scripted) -> None:
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]) as word:
            # Of two tasks with the same inputs the later may find the other's outputs.
            say(word=word).set_caching_options(enable_caching=False)
            say(word=word).set_caching_options(enable_caching=False)

    run(pipeline)
    identities = [identify({"SAGEBRIDGE_RUN_ID": "r", "SAGEBRIDGE_NODE_NAME": pod.node}) for pod in pods.pods]
    assert len({identity.step("TrainingJob") for identity in identities}) == 4
    assert {identity.task_name for identity in identities} == {"say", "say-2"}


def test_the_cache(run: Runs, pods: Scripted) -> None:
    def pipeline(word: str = "a") -> None:
        first = say(word=word)
        say(word=first.output).set_caching_options(enable_caching=False)

    cache = Cache()
    assert set(states(run(pipeline, cache=cache)).values()) == {State.SUCCEEDED}
    second = run(pipeline, cache=cache)
    assert states(second) == {"say": State.CACHED, "say-2": State.SUCCEEDED}
    assert second["say"].outputs.parameters == {"Output": "a"}
    third = run(pipeline, cache=cache, word="b")
    assert states(third) == {"say": State.SUCCEEDED, "say-2": State.SUCCEEDED}, "another input"
    assert pods.tasks == ["say", "say-2", "say-2", "say", "say-2"]


def test_what_has_failed_is_not_cached(run: Runs, failing: dict[str, int]) -> None:
    def pipeline() -> None:
        say(word="a")

    cache, failing["a"] = Cache(), 1
    assert run(pipeline, cache=cache).state is State.FAILED
    assert states(run(pipeline, cache=cache)) == {"say": State.SUCCEEDED}


def test_outputs_of_nested_pipelines(run: Runs) -> None:
    @dsl.pipeline(name="inner")
    def inner(word: str) -> str:
        return say(word=word).output

    def pipeline() -> None:
        say(word=inner(word="deep").output)

    assert run(pipeline)["say"].outputs.parameters == {"Output": "deep"}


def test_terminated_only_exit_tasks_are_begun(tmp_path: Path, pods: Scripted) -> None:
    @dsl.pipeline(name="words")
    def pipeline() -> None:
        with dsl.ExitHandler(say(word="end")):
            first = say(word="a").set_retry(num_retries=2)
            say(word="b").after(first)

    signalled: set[tuple[str, signal.Signals]] = set()

    def execute(pod: Pod, *given: Any, started: Callable[[Pod], None]) -> int:
        pod.log.touch()
        object.__setattr__(pod, "signal", lambda number: signalled.add((pod.task, number)))
        started(pod)
        if (pod.task, signal.SIGTERM) in signalled:
            return 143
        return pods(pod, *given, started=lambda pod: None)

    compiled = Compiled.of(pipeline, tmp_path)
    run = Run(compiled, place=Place(directory=tmp_path), watch=lambda pod: run.terminate(), execute=execute)
    finished = run.run()
    assert finished.state is State.FAILED
    assert signalled == {("exit-handler-1/say-2", signal.SIGTERM)}
    assert states(finished) == {
        "exit-handler-1": State.FAILED,
        "exit-handler-1/say-2": State.FAILED,
        "exit-handler-1/say-3": State.OMITTED,
        "say": State.SUCCEEDED,
    }
    assert finished["exit-handler-1/say-2"].pods == 1, "and nothing is retried"


PRINTS = """
import signal, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path("ready").touch()
try:
    while True:
        print("x", flush=True)
        time.sleep(0.01)
except BrokenPipeError:
    Path("alone").touch()
"""


def test_who_reads_what_a_step_prints_is_gone_with_the_first_signal(tmp_path: Path) -> None:
    place = Place(directory=tmp_path)
    pod = Pod.of("wait", node="w.root.wait.executor", number=0, retries=0, run_id="run-1", place=place)

    def terminate(pod: Pod) -> None:
        eventually((pod.directory / "ready").exists, what="the step begins")
        pod.signal(signal.SIGTERM)

    assert pod.run(["python3", "-c", PRINTS], place.pod_environment(pod.directory), started=terminate) == 0
    assert (pod.directory / "alone").exists()
    assert pod.log.read_text().startswith("x\n")
