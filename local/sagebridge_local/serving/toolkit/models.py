"""The models of a server: one that is there from the start, or several that come and go."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from .handler import DEFAULT_PROGRAM, Handler

LIMIT_VARIABLE = "SAGEBRIDGE_LOCAL_MAX_MODELS"
DEFAULT_LIMIT = 10


def code_directory(model_dir: Path) -> Path:
    """Where the user's module lies: in the submit directory if one was given, else in the model's `code`."""
    given = os.environ.get("SM_MODULE_DIR")
    return Path(given) if given else model_dir / "code"


def program() -> str:
    """The file of the user's module."""
    return os.environ.get("SAGEMAKER_PROGRAM") or DEFAULT_PROGRAM


class OneModel:
    """SingleModel: loaded before the server listens."""

    def __init__(self, model_dir: Path) -> None:
        self.handler = Handler(model_dir, code_dir=code_directory(model_dir), program=program())


class NoRoomError(Exception):
    """No memory for another model (HTTP 507)."""


class ManyModels:
    """MultiModel: https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._loaded: dict[str, tuple[str, Handler]] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls) -> ManyModels:
        """As many models as SAGEBRIDGE_LOCAL_MAX_MODELS says: this stands for the instance's memory."""
        return cls(limit=int(os.environ.get(LIMIT_VARIABLE, DEFAULT_LIMIT)))

    def load(self, name: str, url: str) -> bool:
        """Load a model from its directory; returns False when it is loaded already.

        Raises:
            NoRoomError: there are as many as there may be.
        """
        with self._lock:
            if name in self._loaded:
                return False
            if len(self._loaded) >= self._limit:
                raise NoRoomError(f"{self._limit} models are loaded")
            model_dir = Path(url)
            self._loaded[name] = (url, Handler(model_dir, code_dir=code_directory(model_dir), program=program()))
            return True

    def unload(self, name: str) -> bool:
        """Forget a model; returns False when there is none of that name."""
        with self._lock:
            return self._loaded.pop(name, None) is not None

    def get(self, name: str) -> Handler | None:
        """The handler of a loaded model."""
        found = self._loaded.get(name)
        return found[1] if found else None

    def listed(self) -> list[dict[str, str]]:
        """The loaded models, as the contract shows them."""
        return [{"modelName": name, "modelUrl": url} for name, (url, _) in list(self._loaded.items())]
