"""Programs built from our Go modules, kept in the user's cache under the hash of what they are made of."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from sagebridge_local.golang import toolchain
from sagebridge_local.golang.compile import Compiler
from sagebridge_local.golang.errors import BuildError
from sagebridge_local.golang.progress import BuildProgress, shown
from sagebridge_local.paths import cache_directory, module_directory


@dataclass(frozen=True, kw_only=True, slots=True)
class GoProgram:
    """A program and how to build it.

    Attributes:
        name: The folder under ``local/`` that holds its module, and the name of the binary.
        title: What it is, for people.
        package: The main package.
        version_of: The module whose version the program reports as its own; none where it reports no version.
        variables: Linker variables to set; ``{version}``, ``{major}`` and ``{minor}`` are filled in.
        links: Other names of the binary, made beside it.
        system: The system that it runs on, as GOOS names it; this machine's by default.
    """

    name: str
    title: str
    package: str
    version_of: str = ""
    variables: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    system: str = ""


CONTROL_PLANE = GoProgram(
    name="controlplane",
    title="Kubernetes control plane",
    package=".",
    version_of="k8s.io/kubernetes",
    variables=(
        "k8s.io/component-base/version.gitVersion={version}",
        "k8s.io/component-base/version.gitMajor={major}",
        "k8s.io/component-base/version.gitMinor={minor}",
    ),
    links=("kubectl",),
)
HELM = GoProgram(
    name="helm",
    title="helm",
    package="helm.sh/helm/v3/cmd/helm",
    version_of="helm.sh/helm/v3",
    variables=("helm.sh/helm/v3/internal/version.version={version}",),
)
KWOK = GoProgram(
    name="kwok",
    title="kwok",
    package="sigs.k8s.io/kwok/cmd/kwok",
    version_of="sigs.k8s.io/kwok",
    variables=("sigs.k8s.io/kwok/pkg/consts.Version={version}",),
)


def control_plane_binary() -> Path:
    """Return the one binary of etcd, the Kubernetes components and kubectl, built if need be.

    Raises:
        BuildError: It could not be built; the message says what to do.
    """
    return binary(CONTROL_PLANE)


def kubectl() -> Path:
    """Return kubectl of the control plane's version; its folder is fit for PATH.

    Raises:
        BuildError: It could not be built; the message says what to do.
    """
    return binary(CONTROL_PLANE).with_name("kubectl")


def helm_binary() -> Path:
    """Return helm, built if need be.

    Raises:
        BuildError: It could not be built; the message says what to do.
    """
    return binary(HELM)


def kwok_binary() -> Path:
    """Return kwok, which plays the kubelets of nodes that are only objects, built if need be.

    Raises:
        BuildError: It could not be built; the message says what to do.
    """
    return binary(KWOK)


def binary(program: GoProgram, *, module: Path | None = None, search_path: str | None = None) -> Path:
    """Return a program's binary from the cache, or build it: several minutes the first time, with its progress shown.

    The key is a hash of go.mod, go.sum, the Go files, the linker's flags and the Go version. Two builders of one
    program wait for each other, and a build that is broken off leaves nothing that looks like a binary.

    Args:
        program: What to build.
        module: The folder of its module; by default the one that comes with Sagebridge.
        search_path: Where to look for ``go``; PATH by default.

    Raises:
        BuildError: It could not be built; the message says what to do.
    """
    module = module or module_directory(program.name)
    go = toolchain.locate(module=module, search_path=search_path)
    flags = linker_flags(program, go_mod=(module / "go.mod").read_text())
    parts = [part for part in (program.package, flags, go.version, program.system) if part]
    target = cache_directory() / program.name / cache_key(module=module, parts=parts)
    built = target / program.name
    if built.exists():
        return built
    compiler = Compiler(module=module, package=program.package, linker_flags=flags, toolchain=go, system=program.system)
    try:
        _build(program, compiler=compiler, target=target)
    except OSError as error:
        raise BuildError(
            f"{error}. The cache is {cache_directory()}: set XDG_CACHE_HOME to a folder that can be written, with 5 GB."
        ) from error
    return built


def linker_flags(program: GoProgram, *, go_mod: str) -> str:
    """Return the ``-ldflags`` of a program: no debugger tables, and the version that go.mod pins."""
    if not program.version_of:
        return "-s -w"
    match = re.search(rf"\s{re.escape(program.version_of)} (v(\d+)\.(\d+)\S*)", go_mod)
    if match is None:
        raise BuildError(f"go.mod of {program.name} does not require {program.version_of}: install the package again.")
    version, major, minor = match.groups()
    variables = (text.format(version=version, major=major, minor=minor) for text in program.variables)
    return " ".join(["-s", "-w", *(f"-X {variable}" for variable in variables)])


def cache_key(*, module: Path, parts: Iterable[str]) -> str:
    """Return the name of a binary's folder in the cache: a hash of the module's files and of how it is built."""
    digest = hashlib.sha256()
    files = sorted([module / "go.mod", *module.glob("go.sum"), *module.glob("*.go")])
    for name, content in [
        *((path.name, path.read_bytes()) for path in files),
        *(("", part.encode()) for part in parts),
    ]:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:20]


def _build(program: GoProgram, *, compiler: Compiler, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with shown(program.title) as progress, _only_builder(target, progress=progress):
        if target.exists():
            return
        for broken_off in target.parent.glob(f"{target.name}-*"):
            shutil.rmtree(broken_off, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
        try:
            compiler.build(partial / program.name, log=target.with_suffix(".log"), progress=progress)
            for link in program.links:
                (partial / link).symlink_to(program.name)
            partial.chmod(0o755)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _only_builder(target: Path, *, progress: BuildProgress) -> Iterator[None]:
    lock = FileLock(target.with_suffix(".lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress.phase("another process builds it; waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
