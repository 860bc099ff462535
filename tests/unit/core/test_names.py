"""Names are deterministic, unique and within SageMaker's rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.core.names import JOB_NAME_LIMIT, Owner, is_owned_by_anyone, job_name

DNS_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
DNS_NAME = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?", fullmatch=True)
UID = st.uuids().map(str)
SAGEMAKER_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def owner(namespace: str = "team-a", name: str = "digits", uid: str = "u-1", cluster: str = "c-1") -> Owner:
    return Owner(cluster=cluster, namespace=namespace, name=name, uid=uid)


@given(namespace=DNS_LABEL, name=DNS_NAME, uid=UID, attempt=st.integers(1, 99), limit=st.sampled_from([32, 63]))
def test_every_name_is_one_that_sagemaker_accepts(
    namespace: str, name: str, uid: str, attempt: int, limit: int
) -> None:
    made = job_name(owner=owner(namespace, name, uid), attempt=attempt, limit=limit)
    assert SAGEMAKER_NAME.fullmatch(made)
    assert len(made) <= limit


@pytest.mark.parametrize(
    ("other", "attempt"),
    [
        (owner(uid="u-2"), 1),
        (owner(cluster="c-2"), 1),
        (owner(), 2),
    ],
    ids=["another object of the same name", "another cluster", "the next attempt"],
)
def test_names_differ(other: Owner, attempt: int) -> None:
    assert job_name(owner=owner(), attempt=1) != job_name(owner=other, attempt=attempt)


def test_only_the_readable_part_is_cut() -> None:
    long = owner(namespace="n" * 60, name="x" * 200)
    made = job_name(owner=long, attempt=1)
    assert len(made) == JOB_NAME_LIMIT
    assert made[-10:] == job_name(owner=long, attempt=1, limit=32)[-10:]


def test_truncation_never_makes_two_names_one() -> None:
    first, second = owner(name="x" * 80 + "a", uid="u-1"), owner(name="x" * 80 + "b", uid="u-2")
    assert job_name(owner=first, attempt=1) != job_name(owner=second, attempt=1)


@pytest.mark.parametrize(
    ("given_name", "attempt", "want"),
    [("mine", 1, "mine"), ("mine", 2, "mine-2"), ("m" * 63, 2, "m" * 61 + "-2")],
)
def test_a_given_name_is_kept(given_name: str, attempt: int, want: str) -> None:
    assert job_name(owner=owner(), attempt=attempt, given=given_name) == want


def test_dots_become_hyphens() -> None:
    assert job_name(owner=owner(name="a.b"), attempt=1).startswith("team-a-a-b-")


def test_ownership_is_by_uid_and_cluster() -> None:
    mine = owner()
    assert mine.owns(mine.tags())
    assert not mine.owns(owner(uid="u-2").tags())
    assert not mine.owns(owner(cluster="c-2").tags())
    assert is_owned_by_anyone(owner(uid="u-2").tags())
    assert not is_owned_by_anyone({"team": "a"})
