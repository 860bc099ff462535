"""An alarm's state from data points: the tables of the guide's page on missing data."""

import pytest
from sagebridge_local.sagemaker.cloudwatch.states import ALARM, INSUFFICIENT_DATA, OK, state

KEPT = "the state so far"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, KEPT, ALARM, OK),
    "- - - - X": (OK, KEPT, ALARM, OK),
    "- - - X -": (OK, KEPT, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, KEPT, ALARM, OK),
}
ONE_OF_ONE = {
    "- - X": (ALARM, ALARM, ALARM, ALARM),
    "- X 0": (OK, OK, OK, OK),
    "X - -": (ALARM, ALARM, ALARM, ALARM),
    "- - -": (INSUFFICIENT_DATA, KEPT, ALARM, OK),
}


def rows():
    for to_alarm, evaluated, table in ((3, 3, THREE_OF_THREE), (2, 3, TWO_OF_THREE), (1, 1, ONE_OF_ONE)):
        for points, wanted in table.items():
            for missing, want in zip(TREATMENTS, wanted, strict=True):
                yield pytest.param(points, to_alarm, evaluated, missing, want, id=f"{to_alarm}:{points}:{missing}")


@pytest.mark.parametrize(("points", "to_alarm", "evaluated", "missing", "want"), list(rows()))
def test_the_state_of_data_points(points, to_alarm, evaluated, missing, want):
    read = [{"0": False, "X": True, "-": None}[point] for point in points.split()]

    assert state(read, evaluated=evaluated, to_alarm=to_alarm, missing=missing, present=KEPT) == want
