"""What a step needs of the machine, and what to say where the machine never has it."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.apply.making import Making, is_settled
from mlform.apply.ports import OpenRuntime, Ports
from mlform.apply.servers import devices_of
from mlform.apply.slots import Needs
from mlform.dataclass import replace
from mlform.digests import Json
from mlform.errors import MlformError
from mlform.machine import Machine, remedy, shortage
from mlform.requirements import requirements_of
from mlform.resources.base import AnyKind
from mlform.tasks import Requirements


class MachineTooSmall(MlformError):
    """Something asks for more than the machine has."""


def needs_of(kind: AnyKind, making: Making, ports: Ports, machine: Machine) -> Needs:
    """Return what the making of an object needs.

    Raises:
        MachineTooSmall: If this machine never has it, and a task or server would have to run.
        MlformError: If the runtime cannot be opened.
    """
    opened = ports.runtime(making.runtime)
    block = making.desired.document.get("requirements")
    needs = declared(block, opened, machine, serves=kind.sort == "server")
    short = shortage(needs.wanted, machine)
    if short is not None:
        if kind.sort != "value" and is_settled(kind, making, ports):
            return replace(needs, idle=True)
        raise too_small(making.desired.address, short)
    if kind.sort == "server" and making.prior is not None:
        return replace(needs, lent=devices_of(making.prior))
    return needs


def declared(block: Json, opened: OpenRuntime, machine: Machine, *, serves: bool = False) -> Needs:
    """Return what a block `requirements` asks for; what it leaves out comes from the runtime.

    Args:
        block: As JSON, or null.
        opened: The runtime.
        machine: What there is.
        serves: Whether it is of a server, which takes one core where nothing is said.
    """
    base = opened.requirements or Requirements()
    wanted = machine.cut(requirements_of(block, base))
    named = opened.requirements is not None or serves
    named = named or (isinstance(block, dict) and block.get("cpus") is not None)
    return Needs(wanted=wanted, share=not named)


def too_small(address: ResourceAddress, short: tuple[str, str]) -> MachineTooSmall:
    """Return the failure of an object that asks for more than there is."""
    name, sentence = short
    return MachineTooSmall("Machine too small", f"{sentence} {remedy(name)}", address=str(address))
