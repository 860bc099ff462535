"""Where what an object has made lies: its ARN, and whether the account is still the one it was made in."""

from __future__ import annotations

from sagebridge.core.errors import NotAllowedError
from sagebridge.core.regions import sagemaker_arn
from sagebridge.core.tenancy import NAMESPACE_FIELD
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller


async def arn_of(caller: Caller, handle: Handle, resource: str, name: str) -> str:
    """The ARN of one of SageMaker's resources in `handle`'s account and region.

    Args:
        caller: asks for the account.
        handle: as whom, and where.
        resource: as ARNs name it, e.g. ``endpoint-config``.
        name: its name in SageMaker.
    """
    return sagemaker_arn(region=handle.region, account=await caller.account(handle), resource=resource, name=name)


async def assert_same_account(caller: Caller, handle: Handle, *, what: str, remedy: str) -> None:
    """What is not found in another account than it was made in is not gone.

    Args:
        caller: asks for the account.
        handle: as whom, and in which account it was made.
        what: it, for the message.
        remedy: what an administrator can do beside correcting the policy, e.g. ``delete the model``.

    Raises:
        NotAllowedError: the tenant policy leads to another account.
    """
    if not handle.account:
        return
    account = await caller.account(handle)
    if account != handle.account:
        raise NotAllowedError(
            NAMESPACE_FIELD,
            f"{what} was created in account {handle.account}, but {handle.tenant.authority} now leads to {account}. "
            f"Ask a cluster administrator to correct assumeRole, or to {remedy} by hand.",
        )
