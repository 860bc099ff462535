"""Handwritten digits, from a search for hyperparameters to an answer: a pipeline to copy from.

    python pipeline.py    # writes digits.yaml, which Kubeflow Pipelines runs

Tune a neural network, train the best longer, and train three other algorithms beside it, to compare; if the network is
good enough, let it read the digits that no job has seen, deploy it, and ask it. In the end the endpoint goes, whatever
has happened.
"""

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from kfp import compiler, dsl
from sagebridge_kfp import BatchTransformOp, DeleteOp, EndpointOp, HPTuningJobOp, InvokeEndpointOp, TrainingJobOp
from sagebridge_kfp.component import image

ACCURACY = "validation:accuracy"
SCRIPT = {
    "framework": "sklearn",
    "framework_version": "1.2-1",
    "environment": {"OMP_NUM_THREADS": 1},
    "content_type": "text/csv",
    "metric_definitions": {ACCURACY: f"{ACCURACY}=([0-9.]+)"},
    "objective_metric": ACCURACY,
    "instance_type": "ml.m5.large",
}
NETWORK = {**SCRIPT, "entry_point": "train.py"}
OTHER = {**SCRIPT, "entry_point": "train_algorithm.py"}
ALGORITHMS = ["logistic-regression", "k-nearest-neighbors", "random-forest"]
MODEL = {"entry_point": "inference.py", "environment": {"OMP_NUM_THREADS": 1}, "instance_type": "ml.m5.large"}
A_ZERO = (
    "0,0,5,13,9,1,0,0,0,0,13,15,10,15,5,0,0,3,15,2,0,11,8,0,0,4,12,0,0,8,8,0,"
    "0,5,8,0,0,9,8,0,0,4,11,0,1,12,7,0,0,2,14,5,10,12,0,0,0,0,6,13,10,0,0,0"
)


# The steps' image has kfp, so that nothing needs to be installed when it runs.
@dsl.component(base_image=image(), install_kfp_package=False)
def for_longer(hyperparameters: dict, epochs: int) -> dict:
    """The hyperparameters of a trial, for more epochs."""
    return {**hyperparameters, "epochs": str(epochs)}


def pipeline(*, gated: bool = True) -> Any:
    """The pipeline.

    Args:
        gated: whether the condition is in it. kfp.local (2.16) takes every condition for a false one.
    """

    def gate(condition: Any) -> AbstractContextManager[Any]:
        return dsl.If(condition, name="good-enough") if gated else contextlib.nullcontext()

    @dsl.pipeline(name="digits")
    def digits(
        source: str,
        data: str = "s3://sagebridge-local/digits",
        endpoint: str = "digits-pipeline",
        least: float = 0.9,
        trials: int = 4,
        epochs: int = 12,
        digit: str = A_ZERO,
    ) -> None:
        channels = {"train": f"{data}/train/", "validation": f"{data}/validation/"}

        tuned = HPTuningJobOp(
            **NETWORK,
            source=source,
            channels=channels,
            hyperparameters={"epochs": 4},
            integer_ranges={"hidden-units": [32, 128]},
            continuous_ranges={"learning-rate": [0.001, 0.02, "Logarithmic"]},
            max_jobs=trials,
            max_parallel_jobs=2,
        )
        edited = for_longer(hyperparameters=tuned.outputs["best_hyperparameters"], epochs=epochs)
        trained = TrainingJobOp(**NETWORK, source=source, channels=channels, hyperparameters=edited.output, name="best")
        trained.set_retry(num_retries=2)

        with dsl.ParallelFor(ALGORITHMS, name="algorithms", parallelism=2) as algorithm:
            other = TrainingJobOp(
                **OTHER, source=source, channels=channels, hyperparameters={"algorithm": algorithm}, name=algorithm
            )
            other.set_retry(num_retries=2)

        model = {"model_uri": trained.outputs["model_uri"], "image": trained.outputs["image"], "source": source}
        with (
            dsl.ExitHandler(DeleteOp(kind="Endpoint", name=endpoint), name="clean-up"),
            gate(trained.outputs["objective"] >= least),
        ):
            BatchTransformOp(
                **MODEL,
                **model,
                input_uri=f"{data}/held-out/",
                content_type="text/csv",
                split_type="Line",
                input_filter="$[1:]",
                join_input=True,
                output_filter="$[0,-1]",
                assemble_with="Line",
                accept="text/csv",
            )
            deployed = EndpointOp(**MODEL, **model, name=endpoint)
            InvokeEndpointOp(endpoint=deployed.outputs["object_name"], payload=digit)

    return digits


if __name__ == "__main__":
    compiler.Compiler().compile(pipeline(), "digits.yaml")
