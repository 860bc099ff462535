"""What can go wrong while building, in words a user can act on."""

import re
from pathlib import Path

_NETWORK = re.compile(
    r"dial tcp|no such host|connection (?:refused|reset)|i/o timeout|TLS handshake|network is unreachable"
    r"|proxyconnect|certificate signed by unknown authority|unexpected EOF|Temporary failure in name resolution"
    r"|Failed to establish a new connection|error sending request|Could not connect|dns error"
)
_CAUSES = (
    (
        re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE),
        (
            "The disk is full: the first build needs about 5 GB. Free some space, or move Go's folders with GOCACHE, "
            "GOMODCACHE and TMPDIR."
        ),
    ),
    (
        re.compile(r"signal: killed|cannot allocate memory"),
        "The compiler was killed, most likely for lack of memory. Give the machine 4 GB, or set GOFLAGS=-p=1.",
    ),
    (
        re.compile(r"SECURITY ERROR|checksum mismatch"),
        (
            "A downloaded module is not the one that go.sum names: do not use it; check what stands between this "
            "machine and the Go module proxy."
        ),
    ),
    (
        _NETWORK,
        (
            "The network failed while modules were downloaded. Check the connection, or set GOPROXY to a Go module "
            "proxy that this machine reaches, and run it again: what is done is kept."
        ),
    ),
    (
        re.compile(r"permission denied|read-only file system", re.IGNORECASE),
        "A folder can't be written. Set XDG_CACHE_HOME, GOCACHE and GOMODCACHE to folders that can.",
    ),
)


class BuildError(Exception):
    """A program could not be built; the message says why and what to do."""


def explain(*, what: str, output: str, log: Path | None = None) -> BuildError:
    """Turn the output of a failed build into an error with its probable cause and the end of the output."""
    causes = (advice for pattern, advice in _CAUSES if pattern.search(output))
    advice = next(causes, "The end of its output:")
    tail = "\n".join(f"  {line}" for line in output.strip().splitlines()[-12:])
    where = f"\nThe whole output: {log}" if log else ""
    return BuildError(f"{what} failed. {advice}\n{tail}{where}")
