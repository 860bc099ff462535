"""Whose request it is: access keys to accounts, as moto has issued them."""

from __future__ import annotations

from sagebridge_local.sagemaker.moto_modules import loaded
from sagebridge_local.sagemaker.settings import DEFAULT_ACCOUNT

_KNOWN: dict[str, str] = {}


def account_of(access_key: str) -> str:
    """The account of an access key: that of the role or user that moto's STS or IAM issued it to, else the default.

    moto is asked only if it is loaded: before that it can't have issued a key.
    """
    known = _KNOWN.get(access_key)
    if known is not None:
        return known
    iam = loaded("moto.iam.models")
    if iam is None:
        return DEFAULT_ACCOUNT
    account: str = iam.get_account_id_from(access_key)
    if account != DEFAULT_ACCOUNT:
        _KNOWN[access_key] = account
    return account


def forget() -> None:
    """Forget what was learnt, as moto does when it is reset."""
    _KNOWN.clear()
