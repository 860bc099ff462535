"""Which lines are a server's own record of an answered health check."""

from __future__ import annotations

import pytest
from sagebridge.core.logs.health_checks import is_answered_health_check


@pytest.mark.parametrize(
    "line",
    [
        '10.32.0.2 - - [11/Nov/2026:21:16:04 +0000] "GET /ping HTTP/1.1" 200 0 "-" "AHC/2.0"',
        '169.254.255.130 - - [22/Feb/2021:13:39:31 +0000] "GET /ping HTTP/1.1" 200 1 "-" "Go-http-client/1.1" "-"',
        '::ffff:10.32.0.2 - - [11/Nov/2026:21:16:04 +0000] "GET /ping HTTP/1.1" 200 0 "-" "AHC/2.0"',
        ' - - [11/Nov/2026:21:16:04 +0000] "GET /ping HTTP/1.0" 200 1 "-" "AHC/2.0"',
        'unix: - - [11/Nov/2026:21:16:04 +0000] "GET /ping HTTP/1.0" 200 1 "-" "AHC/2.0"',
        '127.0.0.1 - - [15/Nov/2015 11:04:41] "GET /ping HTTP/1.1" 200 -',
        '2020-08-28 00:31:16,598 [INFO ] pool-1-thread-3 ACCESS_LOG - /127.0.0.1:54100 "GET /ping HTTP/1.1" 200 0',
        '2026-11-11T21:16:09 [INFO ] pool-1 ACCESS_LOG - /169.254.178.2:43488 "GET /ping HTTP/1.1" 200 1',
        '2023-05-21T10:00:00,123 [INFO ] pool-2-thread-1 ACCESS_LOG - /0:0:0:0:0:0:0:1:80 "GET /ping HTTP/1.1" 200 31',
        'INFO:     10.0.0.1:1234 - "GET /ping HTTP/1.1" 200 OK',
        '(APIServer pid=1) INFO:     127.0.0.1:53710 - "GET /ping HTTP/1.1" 200 OK',
    ],
)
def test_what_servers_write(line: str) -> None:
    assert is_answered_health_check(line)
    assert not is_answered_health_check(line.replace('" 200', '" 502'))
    assert not is_answered_health_check(line.replace("/ping", "/pings"))
    assert not is_answered_health_check(line.replace("GET /ping", "POST /invocations"))
    assert not is_answered_health_check(f"seen: {line}")
    assert not is_answered_health_check(f"{line} (slow)")


@pytest.mark.parametrize(
    "line",
    [
        'after 20 rounds 127.0.0.1 - "GET /ping HTTP/1.1" 200 -',
        '"GET /ping HTTP/1.1" 200',
        'expected "GET /ping HTTP/1.1" 200, got 503',
        'worker 3 - [10] "GET /ping HTTP/1.1" 200 0',
        'INFO: the probe said "GET /ping HTTP/1.1" 200 OK',
        '2026-11-11 21:16:09,000 [INFO ] main root - /127.0.0.1:1 "GET /ping HTTP/1.1" 200 0',
        "",
    ],
)
def test_what_users_print(line: str) -> None:
    assert not is_answered_health_check(line)
