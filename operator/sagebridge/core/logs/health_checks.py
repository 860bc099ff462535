"""Which lines of a serving container's log say only that a health check was answered."""

from __future__ import annotations

import re
from typing import Final

# SageMaker asks every few seconds.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_ANSWERED: Final = r'"GET /ping HTTP/[0-9.]+" 200'
_ADDRESS: Final = r"/?[0-9A-Fa-f.:\[\]]*"
_HOUR: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_COMMON_TIME: Final = rf"[0-9]{{2}}/[A-Za-z]{{3}}/[0-9]{{4}}[: ]{_HOUR}(?: [+-][0-9]{{4}})?"
_ISO_TIME: Final = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_HOUR}(?:[.,][0-9]+)?"

# Whole lines, as these servers write them by themselves: what a user's code prints about its pings is the user's.
_SHAPES: Final = (
    # nginx, gunicorn; without the quoted ends werkzeug and http.server. On a Unix socket there is no address.
    # https://nginx.org/en/docs/http/ngx_http_log_module.html https://docs.gunicorn.org/en/stable/settings.html
    rf'(?:{_ADDRESS}|-|unix:) - \S+ \[{_COMMON_TIME}\] {_ANSWERED} (?:[0-9]+|-)(?: "[^"]*"){{0,3}}',
    # Multi Model Server, TorchServe: https://pytorch.org/serve/logging.html
    rf"{_ISO_TIME} \[INFO ?\] \S+ ACCESS_LOG - {_ADDRESS} {_ANSWERED} [0-9]+",
    # uvicorn, and vLLM, which puts the process before it: https://github.com/encode/uvicorn
    rf"(?:\(\w+ pid=[0-9]+\) )?INFO: +{_ADDRESS} ?- {_ANSWERED}(?: OK)?",
)
_LINE: Final = re.compile(rf"(?:{'|'.join(_SHAPES)})\s*")


def is_answered_health_check(text: str) -> bool:
    """Tell whether a line is a web server's own record of a health check that was answered with 200."""
    return _LINE.fullmatch(text) is not None
