"""Runs compiled pipelines as Kubeflow Pipelines' driver, launcher and Argo do, with processes in the place of pods.

kfp.local lets through what the real ones refuse, and passes over conditions, retries and the cache. This does what
they do, as it is written in https://github.com/kubeflow/pipelines/tree/master/backend/src/v2 (driver, component,
cacheutils).
"""

from support.kfp_runner.cache import Cache
from support.kfp_runner.ir import Compiled
from support.kfp_runner.place import Place
from support.kfp_runner.pods import Pod
from support.kfp_runner.records import Finished, State, TaskRecord
from support.kfp_runner.run import Run
from support.kfp_runner.values import RefusedError

__all__ = ["Cache", "Compiled", "Finished", "Place", "Pod", "RefusedError", "Run", "State", "TaskRecord"]
