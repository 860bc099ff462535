"""FailureReason texts."""

import pytest
from sagebridge.core.container import failure

TRACEBACK = [
    "warming up",
    "Traceback (most recent call last):",
    '  File "train.py", line 3, in <module>',
    "    raise ValueError('no label')",
    "ValueError: no label",
    "ValueError: no label",
]


@pytest.mark.parametrize(
    ("reason", "lines", "want"),
    [
        (
            "from the first line that names an exception, each once",
            TRACEBACK,
            "raise ValueError('no label')\n ValueError: no label",
        ),
        ("nothing written", [], ""),
        (
            "no exception: the last lines",
            [f"line {n}" for n in range(20)],
            "\n ".join(f"line {n}" for n in range(10, 20)),
        ),
        ("an exception of a library's own", ["x", "torch.OutOfMemoryError: CUDA"], "torch.OutOfMemoryError: CUDA"),
    ],
)
def test_error_message(reason: str, lines: list[str], want: str) -> None:
    assert failure.error_message(lines) == want, reason


def test_the_exit_code_survives_the_cut() -> None:
    text = failure.algorithm_error("x" * 5_000, exit_code=137)
    assert len(text) == failure.FAILURE_REASON_LIMIT
    assert text.startswith("AlgorithmError: xxx")
    assert text.endswith("x, exit code: 137")


def test_without_a_message_as_sagemaker() -> None:
    assert failure.algorithm_error("", exit_code=1) == "AlgorithmError: , exit code: 1"


def test_a_killed_script_is_said_to_be_out_of_memory() -> None:
    text = failure.execute_user_script_error(exit_code=137, error_lines=[], command=["python", "a b.py"])
    assert text == (
        'ExecuteUserScriptError:\nExitCode 137\nErrorMessage ""\n'
        'ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"\nCommand "python \'a b.py\'"'
    )


@pytest.mark.parametrize("text", [failure.client_error("x" * 2_000), failure.internal_server_error("x" * 2_000)])
def test_no_reason_is_too_long(text: str) -> None:
    assert len(text) == failure.FAILURE_REASON_LIMIT
