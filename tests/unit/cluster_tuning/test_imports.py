"""What Optuna takes is taken only by operators that search."""

import subprocess
import sys


def loaded_by(code: str, *modules: str) -> set[str]:
    """Which of these modules a process has loaded after running `code`."""
    program = f"import sys\n{code}\nprint(*(name for name in {modules!r} if name in sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


def test_the_operator_starts_without_optuna() -> None:
    assert loaded_by("import sagebridge.app", "optuna", "numpy", "sqlalchemy", "sagebridge.on_cluster") == {
        "sagebridge.on_cluster"
    }


def test_a_search_loads_no_database() -> None:
    code = """
from sagebridge.core.search.definition import definitions
from sagebridge.core.search.search import Search
config = {"Strategy": "Bayesian", "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 1},
    "HyperParameterTuningJobObjective": {"MetricName": "m", "Type": "Maximize"},
    "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}}
[one] = definitions({"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": {}})
Search(one, config, seed=1).draw(1)
"""
    assert loaded_by(code, "optuna", "sqlalchemy", "alembic", "grpc") == {"optuna"}
