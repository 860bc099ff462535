"""The user's functions around one model: model_fn, then input_fn, predict_fn, output_fn (or transform_fn)."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import payloads

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

DEFAULT_PROGRAM = "inference.py"
ACCEPT_VARIABLE = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
ANY_TYPE = "*/*"


class Handler:
    """One loaded model and what answers with it.

    Args:
        model_dir: what model.tar.gz held.
        code_dir: where the user's module lies; by default `code` in the model's directory.
        program: the module's file name.

    Raises:
        ValueError: there is no model_fn, and no default for it; or transform_fn stands beside the others.
    """

    def __init__(self, model_dir: Path, *, code_dir: Path, program: str) -> None:
        module = _load(code_dir, program)
        self._input = getattr(module, "input_fn", None)
        self._predict = getattr(module, "predict_fn", None)
        self._output = getattr(module, "output_fn", None)
        self._transform = getattr(module, "transform_fn", None)
        if self._transform and (self._input or self._predict or self._output):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with input_fn, predict_fn, output_fn"
            )
        model_fn = getattr(module, "model_fn", None)
        self._model = _call(model_fn, str(model_dir)) if model_fn else _default_model(model_dir, module=module)

    def respond(self, body: bytes, *, content_type: str, accept: str) -> tuple[Any, str]:
        """The reply's body (bytes, text or an iterator of either) and its content type."""
        wanted = accept if accept and accept != ANY_TYPE else os.environ.get(ACCEPT_VARIABLE, payloads.JSON)
        kind = payloads.media_type(content_type)
        data: bytes | str = body.decode("utf-8") if kind in payloads.TEXT_TYPES else body
        if self._transform:
            result = self._transform(self._model, data, content_type, wanted)
        else:
            given = self._input(data, content_type) if self._input else payloads.decode(data, content_type)
            prediction = (self._predict or _default_predict)(given, self._model)
            result = (self._output or payloads.encode)(prediction, wanted)
        if isinstance(result, tuple):
            return result[0], result[1]
        return result, wanted


def _call(model_fn: Callable[..., Any], model_dir: str) -> Any:
    """Newer toolkits pass a context, too, to functions that take one."""
    takes = len(inspect.signature(model_fn).parameters)
    return model_fn(model_dir, None) if takes > 1 else model_fn(model_dir)


def _load(code_dir: Path, program: str) -> ModuleType | None:
    path = code_dir / program
    if not path.is_file():
        return None
    # The module's own imports come from beside it.
    if str(code_dir) not in sys.path:
        sys.path.insert(0, str(code_dir))
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_{abs(hash(str(path)))}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{program} can't be imported: it must be a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _default_model(model_dir: Path, *, module: ModuleType | None) -> Any:
    """PyTorch images load the one TorchScript file of the model; other frameworks have no default."""
    scripts = [path for path in model_dir.iterdir() if path.suffix in {".pt", ".pth"}]
    if len(scripts) == 1 and importlib.util.find_spec("torch"):
        import torch  # type: ignore[import-not-found]

        return torch.jit.load(str(scripts[0]), map_location="cpu")
    raise ValueError(
        f"Please provide a model_fn implementation: {_lacking(module)}, and no single TorchScript file (.pt, .pth) "
        "is there that could be loaded without"
    )


def _lacking(module: ModuleType | None) -> str:
    """What to give, in the words of the object that one writes."""
    if module is None or module.__file__ is None:
        return "there is no code/inference.py with one in the model archive"
    return f"{Path(module.__file__).name} has no model_fn; give `source` with inference code that has one"


def _default_predict(data: Any, model: Any) -> Any:
    """model.predict where there is one (scikit-learn, XGBoost), else the model itself (PyTorch), without gradients."""
    if hasattr(model, "predict"):
        return model.predict(data)
    with contextlib.ExitStack() as stack:
        if importlib.util.find_spec("torch"):
            import torch

            stack.enter_context(torch.no_grad())
            data = torch.as_tensor(data, dtype=torch.float32)
        return model(data)
