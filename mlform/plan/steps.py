"""The units of apply and their order, as data."""

from __future__ import annotations

from enum import Enum

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass


class Operation(Enum):
    """What a step does."""

    CREATE = "create"
    REBUILD = "rebuild"
    UPDATE = "update"
    DELETE = "delete"
    FORGET = "forget"
    AWAIT = "await"
    """Nothing: it stands for many steps at once that others wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One unit of apply.

    Attributes:
        id: Unique in the plan, and readable: `create model.survival`.
        address: The object; for `AWAIT` the block whose steps it stands for.
        operation: What is done.
        deposed: For `DELETE`: the key of a deposed object in the prior state, or empty for the
            current object. For a `CREATE` that replaces: the key its predecessor gets.
        replaces: Whether a `CREATE` sets its predecessor aside under `deposed`.
        needs: Ids of steps that must have succeeded.
    """

    id: str
    address: ResourceAddress
    operation: Operation
    deposed: str = ""
    replaces: bool = False
    needs: tuple[str, ...] = ()
