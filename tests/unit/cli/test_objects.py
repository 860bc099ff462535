"""Reading the object that is named on the command line, through kubectl."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sagebridge.cli.logs import app
from sagebridge.cli.objects import NAMES, NamedObject, ObjectDeletedError, ObjectError
from sagebridge.kinds import ENDPOINT, JOB_KINDS
from typer.testing import CliRunner

NOT_FOUND = 'Error from server (NotFound): trainingjobs.sagebridge.io "digits" not found'
OTHERS = (
    "hptuningjobs.sagebridge.io,processingjobs.sagebridge.io,batchtransforms.sagebridge.io,"
    "sagemakerendpoints.sagebridge.io"
)


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Puts a program onto the PATH which answers with a text, and notes what it was asked."""

    def install(*, error: str = "", found: str = "", others: str = "", others_status: int = 0) -> None:
        for name, text in (("error", error), ("found", found), ("others", others)):
            (tmp_path / name).write_text(text)
        first = f"cat {tmp_path}/error >&2; exit 1" if error else f"cat {tmp_path}/found"
        program = tmp_path / "kubectl"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n'
            f'case "$*" in *--ignore-not-found*) cat {tmp_path}/others; exit {others_status} ;; *) {first} ;; esac\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return install


def test_every_kind_with_logs_has_its_names() -> None:
    schemas = [*(kind.schema for kind in JOB_KINDS), ENDPOINT]
    assert NAMES.keys() == {schema.plural for schema in schemas}
    for schema in schemas:
        assert {schema.singular or schema.kind.lower(), *schema.short_names} <= set(NAMES[schema.plural])


@pytest.mark.parametrize(
    ("name", "namespace", "asked"),
    [
        ("digits", "", "get trainingjobs.sagebridge.io/digits --output=json"),
        ("digits", "team-a", "get trainingjobs.sagebridge.io/digits --output=json --namespace=team-a"),
        ("smep/digits", "", "get sagemakerendpoints.sagebridge.io/digits --output=json"),
        ("Endpoint/digits", "", "get sagemakerendpoints.sagebridge.io/digits --output=json"),
        ("bt/digits", "", "get batchtransforms.sagebridge.io/digits --output=json"),
        ("pods/digits", "", "get pods/digits --output=json"),
    ],
)
def test_what_is_asked_for(kubectl: Callable[..., None], tmp_path: Path, name: str, namespace: str, asked: str) -> None:
    kubectl(found=json.dumps({"metadata": {"name": "digits"}}))
    assert NamedObject(name, namespace=namespace).read().name == "digits"
    assert (tmp_path / "asked").read_text() == f"{asked}\n"


@pytest.mark.parametrize(
    ("others", "hint"),
    [
        ("", "for what is no TrainingJob give KIND/NAME, such as batchtransform/digits or smep/digits"),
        ("endpoint.sagebridge.io/digits\n", "did you mean smep/digits?"),
        (
            "batchtransform.sagebridge.io/digits\nendpoint.sagebridge.io/digits\n",
            "did you mean batchtransform/digits or smep/digits?",
        ),
    ],
)
def test_a_name_of_another_kind_is_hinted_at(
    kubectl: Callable[..., None], tmp_path: Path, others: str, hint: str
) -> None:
    kubectl(error=NOT_FOUND, others=others)
    with pytest.raises(ObjectError) as caught:
        NamedObject("digits", namespace="team-a").read()
    assert str(caught.value) == f'trainingjobs.sagebridge.io "digits" not found; {hint}'
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[1] == f"get {OTHERS} digits --output=name --ignore-not-found --namespace=team-a"


def test_a_kind_that_kubectl_may_not_read_hides_no_other(kubectl: Callable[..., None]) -> None:
    kubectl(error=NOT_FOUND, others="endpoint.sagebridge.io/digits\n", others_status=1)
    with pytest.raises(ObjectError, match=r"; did you mean smep/digits\?$"):
        NamedObject("digits").read()


@pytest.mark.parametrize("name", ["digits", "bt/digits"])
def test_what_was_there_before_was_deleted(kubectl: Callable[..., None], tmp_path: Path, name: str) -> None:
    kubectl(found=json.dumps({"metadata": {"name": "digits"}}))
    named = NamedObject(name)
    named.read()
    kubectl(error=NOT_FOUND)
    with pytest.raises(ObjectDeletedError, match=rf"^{name} was deleted\.$"):
        named.read()
    assert len((tmp_path / "asked").read_text().splitlines()) == 2, "nobody looks for what else may be meant"


def test_who_may_not_read_it_any_more_is_told_so(kubectl: Callable[..., None]) -> None:
    kubectl(found=json.dumps({"metadata": {"name": "digits"}}))
    named = NamedObject("digits")
    named.read()
    kubectl(error="Error from server (Forbidden): trainingjobs is forbidden")
    with pytest.raises(ObjectError, match=r"^trainingjobs is forbidden$"):
        named.read()


def test_who_names_the_kind_gets_no_hint(kubectl: Callable[..., None]) -> None:
    kubectl(error=NOT_FOUND, others="endpoint.sagebridge.io/digits\n")
    with pytest.raises(ObjectError, match=r'^trainingjobs.sagebridge.io "digits" not found$'):
        NamedObject("tj/digits").read()


@pytest.mark.parametrize(
    ("stderr", "want"),
    [
        ("error: the server doesn't have a resource type", "the server doesn't have a resource type"),
        (
            'E1 memcache.go] "Unhandled Error"\nUnable to connect to the server: EOF',
            "Unable to connect to the server: EOF",
        ),
    ],
)
def test_kubectls_last_words_are_the_message(kubectl: Callable[..., None], stderr: str, want: str) -> None:
    kubectl(error=stderr)
    result = CliRunner().invoke(app, ["digits"])
    assert result.exit_code == 1
    assert result.stderr == f"Error: {want}\n"


def test_a_kubectl_that_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ObjectError, match=r"^kubectl failed and said nothing\.$"):
        NamedObject("digits").read()


def test_a_missing_kubectl_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, ["digits"])
    assert result.exit_code == 1
    assert "kubectl is not on the PATH" in result.output
