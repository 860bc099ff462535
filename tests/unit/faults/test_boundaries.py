"""Writes are counted for each object, and a fault is due once, at its own."""

from faults.boundaries import Boundaries, Fault, Plan


def test_writes_are_told_apart_by_the_mark_in_path_or_body() -> None:
    boundaries = Boundaries()
    boundaries.follow("xa")
    boundaries.follow("xb")
    boundaries.wrote("PATCH trainingjobs", request=b"/apis/trainingjobs/xa {}")
    boundaries.wrote("CreateTrainingJob", request=b'/ {"TrainingJobName": "ns-xb-hash"}')
    boundaries.wrote("CreateTrainingJob", request=b'/ {"TrainingJobName": "foreign"}')
    assert boundaries.traces == {"xa": ("PATCH trainingjobs",), "xb": ("CreateTrainingJob",)}
    assert boundaries.others == ("CreateTrainingJob",)
    assert boundaries.count == 3


def test_a_fault_is_due_at_its_write_and_never_again() -> None:
    boundaries = Boundaries()
    boundaries.follow("xa", plan=Plan(at=2, fault=Fault.CRASH))
    due = [boundaries.wrote("write", request=b"xa") for _ in range(4)]
    assert due == [None, Fault.CRASH, None, None]
    assert boundaries.is_struck("xa")


def test_what_is_not_followed_meets_no_fault() -> None:
    boundaries = Boundaries()
    boundaries.follow("xa", plan=Plan(at=1, fault=Fault.LOST_REPLY))
    assert boundaries.wrote("write", request=b"xb") is None
    assert not boundaries.is_struck("xa")
