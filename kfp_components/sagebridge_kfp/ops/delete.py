"""The deletion of an object as a step."""

from sagebridge_kfp.op import op
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.schema import FILES
from sagebridge_kfp.step.run import delete


@op(name="delete", caches=False)
def DeleteOp(*, kind: str, name: str, wait: bool = True) -> None:  # noqa: N802
    """Delete an object, and with it what its deletion policy says: an endpoint, a job that runs.

    One that is not there is as good as deleted, so that this may be the exit task of `dsl.ExitHandler`.

    Args:
        kind: `Endpoint`, `TrainingJob`, `HPTuningJob`, `BatchTransform` or `ProcessingJob`.
        name: its name in the run's namespace.
        wait: whether to go on only when it is gone, with what it had made.
    """
    if kind not in FILES:
        raise InputError("kind", f"must be one of {', '.join(FILES)}, and is {kind!r}")
    if not name:
        raise InputError("name", "is empty")
    delete(kind, name, wait=wait)
