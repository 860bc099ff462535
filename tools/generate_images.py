"""Generate the image table of ``sagebridge.core.images`` from the data of the ``sagemaker-core`` package.

Every combination that sagemaker-core can resolve is asked from it once, in one region; what varies by region (the
registry's account and the DNS suffix) is taken from its data. So the table holds no knowledge of ours.

    python tools/generate_images.py [PATH]
"""  # noqa: INP001

from __future__ import annotations

import functools
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagemaker.core import image_uris

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_PATH = Path(__file__).parents[1] / "operator/sagebridge/core/images/table.json"
SCOPES = ("training", "inference", "inference_graviton")
ALGORITHMS = (
    "blazingtext",
    "factorization-machines",
    "forecasting-deepar",
    "image-classification",
    "ipinsights",
    "kmeans",
    "knn",
    "lda",
    "linear-learner",
    "ntm",
    "object-detection",
    "object2vec",
    "pca",
    "randomcutforest",
    "semantic-segmentation",
    "seq2seq",
    "xgboost",
)
# One instance type per word that sagemaker-core uses for the processor.
INSTANCE_OF_PROCESSOR = {
    "cpu": "ml.m5.xlarge",
    "gpu": "ml.g5.xlarge",
    "inf": "ml.inf1.xlarge",
    "inf2": "ml.inf2.xlarge",
    "trn": "ml.trn1.32xlarge",
}
# Families that get an image, or a refusal, of their own with some framework versions.
SPECIAL_FAMILIES = {"p4d": "ml.p4d.24xlarge", "p2": "ml.p2.xlarge"}
NEURON_TOOLS = ("neuron", "neuronx")
# Its aliases name other versions of the same table ("2.3.1" means "2.5.0"), and it needs its own launcher.
LEFT_OUT = ("pytorch-smp",)
REFUSED = None


@functools.cache
def _resolver(original: Any) -> Any:
    return original()


@functools.cache
def _config(original: Any, framework: str) -> Any:
    return original(framework)


def make_fast() -> None:
    """Let sagemaker-core read each of its files once, and not once a call; its answers stay the same."""
    if hasattr(image_uris.config_for_framework, "__wrapped__"):
        return
    read, resolve = image_uris.config_for_framework, image_uris.utils._botocore_resolver  # noqa: SLF001

    @functools.wraps(read)
    def config(framework: str) -> Any:
        return _config(read, framework)

    image_uris.config_for_framework = config
    image_uris.utils._botocore_resolver = lambda: _resolver(resolve)  # noqa: SLF001
    logging.getLogger("sagemaker").setLevel(logging.ERROR)
    logging.getLogger(image_uris.logger.name).setLevel(logging.ERROR)


class _Interned:
    """Gives equal values one index, in the order they are first seen."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._index: dict[str, int] = {}

    def add(self, value: Any) -> int:
        key = json.dumps(value, sort_keys=True)
        if key not in self._index:
            self._index[key] = len(self.values)
            self.values.append(value)
        return self._index[key]


def ask(
    framework: str,
    *,
    region: str,
    version: str,
    python: str | None,
    base: str | None,
    scope: str,
    instance_type: str | None,
) -> str:
    """Return sagemaker-core's own answer, by its name for the framework's file (``huggingface-neuronx`` ...)."""
    tool = next((tool for tool in NEURON_TOOLS if framework == f"huggingface-{tool}"), None)
    name = "huggingface" if tool else framework.removesuffix("-neuron")
    answer = image_uris.retrieve(
        name if name in ("huggingface", "pytorch") else framework,
        region,
        version=version,
        py_version=python,
        instance_type=instance_type,
        image_scope=scope,
        base_framework_version=base,
        inference_tool=tool,
    )
    return str(answer)


def subtrees(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each scope of one of sagemaker-core's files with the part that holds its versions."""
    for scope in SCOPES:
        if "versions" in config and scope in config.get("scope", ()):
            yield scope, config
        elif "versions" in config.get(scope, {}):
            yield scope, config[scope]


def leaves(version: Mapping[str, Any]) -> Iterator[tuple[str | None, str | None, Mapping[str, Any]]]:
    """Yield (base framework, Python version, data) for each image that a version's data describes."""
    if "repository" in version:
        for python in version.get("py_versions") or [None]:
            yield None, python, version
        return
    for key, data in version.items():
        if key == "version_aliases":
            continue
        if key.startswith("py") and not key.startswith("pytorch"):
            yield None, key, data
        else:
            for python in data.get("py_versions") or [None]:
                yield key, python, data


def tag_template(tag: str, *, version: str, alias_tag: str | None, alias: str | None) -> str:
    """Put ``{}`` for the version where sagemaker-core puts the alias as the user wrote it."""
    if alias is not None and alias_tag is not None and tag.startswith(version) and alias_tag != tag:
        return "{}" + tag.removeprefix(version)
    return tag


def tags_of(framework: str, *, processors: list[str], aliases: Mapping[str, str], **image: Any) -> dict[str, Any]:
    """Return {processor: tag}, and what differs for some instance families."""
    alias = next((alias for alias, target in aliases.items() if target == image["version"]), None)
    tags: dict[str, Any] = {}
    for processor in processors or ["*"]:
        instance_type = INSTANCE_OF_PROCESSOR.get(processor) if processors else None
        if image["scope"] == "inference_graviton":
            instance_type = "ml.c6g.xlarge"
        try:
            tag = ask(framework, instance_type=instance_type, **image).partition(":")[2]
            short = alias and ask(framework, instance_type=instance_type, **{**image, "version": alias})
        except (KeyError, ValueError):
            continue
        short_tag = short.partition(":")[2] if short else None
        tags[processor] = tag_template(tag, version=image["version"], alias_tag=short_tag, alias=alias)
    if "gpu" in tags:
        tags |= _special_tags(framework, tags["gpu"], aliases=aliases, **image)
    return tags


def _special_tags(framework: str, usual: str, *, aliases: Mapping[str, str], **image: Any) -> dict[str, Any]:
    """Return the tags that a family has instead of the usual one: by ``family@version``, or None for all versions."""
    special: dict[str, Any] = {}
    for family, instance_type in SPECIAL_FAMILIES.items():
        for asked in [image["version"], *(alias for alias, target in aliases.items() if target == image["version"])]:
            try:
                uri = ask(framework, instance_type=instance_type, **{**image, "version": asked})
            except ValueError:
                special[family] = REFUSED
                break
            tag = uri.partition(":")[2]
            if tag != usual.replace("{}", asked):
                special[f"{family}@{asked}"] = tag
    return special


def dns_suffix(region: str) -> str:
    """Return the DNS suffix of a region's ECR, as sagemaker-core builds it."""
    uri = image_uris.get_base_python_image_uri(region) if region == "us-east-1" else None
    endpoint = image_uris.utils._botocore_resolver().construct_endpoint("ecr", region)  # noqa: SLF001
    hostname = endpoint["hostname"] if endpoint else f"ecr.{region}.amazonaws.com"
    if uri and hostname not in uri:
        raise ValueError(f"sagemaker-core builds {uri}, which does not hold {hostname}")
    return str(hostname).removeprefix(f"ecr.{region}.")


def _scope_table(
    framework: str, scope: str, part: Mapping[str, Any], *, registries: _Interned, tags: _Interned
) -> dict[str, Any]:
    aliases = part.get("version_aliases", {})
    versions: dict[str, list[Any]] = {}
    for version, data in part["versions"].items():
        for base, python, leaf in leaves(data):
            processors = part.get("processors") or leaf.get("processors") or []
            image = {
                "version": version,
                "python": python,
                "base": base,
                "scope": scope,
                "region": next(iter(leaf["registries"])),
            }
            found = tags_of(framework, processors=processors, aliases=aliases, **image)
            if not found:
                continue
            build = [leaf["repository"], registries.add(leaf["registries"]), tags.add(found), python, base]
            while build[-1] is None:
                build.pop()
            versions.setdefault(version, []).append(build)
    table: dict[str, Any] = {"versions": versions}
    known = {alias: target for alias, target in aliases.items() if target in versions}
    if known:
        table["aliases"] = known
    return table


def generate() -> dict[str, Any]:
    """Return the whole table; see ``sagebridge.core.images`` for what its parts mean."""
    make_fast()
    registries, tags = _Interned(), _Interned()
    images: dict[str, Any] = {}
    for framework in sorted(set(image_uris.list_frameworks()) - set(LEFT_OUT)):
        scopes: dict[str, Any] = {}
        for scope, part in subtrees(image_uris.config_for_framework(framework)):
            table = _scope_table(framework, scope, part, registries=registries, tags=tags)
            if table["versions"]:
                same = next((name for name, other in scopes.items() if other == table), None)
                scopes[scope] = same or table
        if scopes:
            images[framework] = scopes
    regions = sorted({region for registry in registries.values for region in registry})
    suffixes: dict[str, list[str]] = {}
    for region in regions:
        suffixes.setdefault(dns_suffix(region), []).append(region)
    return {
        "algorithms": list(ALGORITHMS),
        "graviton": sorted(image_uris.GRAVITON_ALLOWED_TARGET_INSTANCE_FAMILY),
        "suffixes": suffixes,
        "registries": [_by_account(registry) for registry in registries.values],
        "tags": tags.values,
        "images": images,
    }


def _by_account(registry: Mapping[str, str]) -> dict[str, str]:
    """Turn {region: account} into {account: "region region"}: many regions share one account."""
    accounts: dict[str, list[str]] = {}
    for region in sorted(registry):
        accounts.setdefault(registry[region], []).append(region)
    return {account: " ".join(regions) for account, regions in accounts.items()}


def render(table: Mapping[str, Any]) -> str:
    """Return the table as JSON with one framework, registry set or tag set a line, so that a change can be read."""
    lines = []
    for key, value in table.items():
        items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        rows = [(f"{json.dumps(name)}:" if name else "") + _compact(item) for name, item in items]
        opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
        lines.append(f"{json.dumps(key)}:{opening}\n" + ",\n".join(rows) + f"\n{closing}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PATH
    path.write_text(render(generate()))
    sys.stdout.write(f"{path}: {path.stat().st_size} bytes\n")
