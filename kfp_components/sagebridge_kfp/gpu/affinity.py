"""A node affinity of the user's own: what Kubeflow Pipelines' SDK would refuse is refused before anything is set.

Source: https://github.com/kubeflow/pipelines/blob/master/kubernetes_platform/python/kfp/kubernetes/node_affinity.py
"""

from __future__ import annotations

from typing import Final

from sagebridge.core.placement.affinity import PREFERRED, REQUIRED
from sagebridge.core.training.section import Section

from sagebridge_kfp.gpu.errors import OnGpuError
from sagebridge_kfp.gpu.fields import argument, only

_KINDS: Final = ("nodeAffinity", "podAffinity", "podAntiAffinity")
_TERM: Final = ("matchExpressions", "matchFields")
_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")


def check_affinity(affinity: Section) -> None:
    """Refuse an affinity between pods, and a node affinity that is none.

    Raises:
        OnGpuError: the message says what is wrong.
        SpecError: a value is not of its field's kind.
    """
    only(affinity, _KINDS)
    for kind in ("podAffinity", "podAntiAffinity"):
        if affinity.section(kind).values:
            message = "Kubeflow Pipelines sets no affinity between pods: give a node_selector or a nodeAffinity"
            raise OnGpuError(argument(affinity, kind), message)
    nodes = affinity.section("nodeAffinity")
    only(nodes, (REQUIRED, PREFERRED))
    for term in nodes.section(REQUIRED).sections("nodeSelectorTerms"):
        _check_term(term)
    for preferred in nodes.sections(PREFERRED):
        _check_weight(preferred)
        _check_term(preferred.section("preference"))


def _check_weight(preferred: Section) -> None:
    weight = preferred.number("weight")
    if weight is None or not 1 <= weight <= 100:
        raise OnGpuError(argument(preferred, "weight"), "must be a number from 1 to 100")


def _check_term(term: Section) -> None:
    only(term, _TERM)
    expressions = [each for kind in _TERM for each in term.sections(kind)]
    if not expressions:
        raise OnGpuError(argument(term, "matchExpressions"), "is missing: such a term selects no node")
    for each in expressions:
        only(each, ("key", "operator", "values"))
        each.required_text("key", hint="the label of a node")
        if each.text("operator") not in _OPERATORS:
            raise OnGpuError(argument(each, "operator"), f"must be one of {', '.join(_OPERATORS)}")
        _check_values(each)


def _check_values(expression: Section) -> None:
    values = expression.values.get("values") or []
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise OnGpuError(argument(expression, "values"), "must be a list of texts")
