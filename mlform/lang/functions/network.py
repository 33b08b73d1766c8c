"""Functions on IP networks in CIDR notation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from mlform.lang.construct import amount, list_of, string_value, text
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.wholes import whole
from mlform.lang.types import NUMBER, STRING, ListType
from mlform.lang.values import Value

if TYPE_CHECKING:
    import ipaddress

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


def _network(prefix: Value) -> Network:
    try:
        return _checked_network(prefix)
    except ArgumentError as error:
        raise FunctionError(str(error)) from error


def _checked_network(prefix: Value) -> Network:
    import ipaddress

    source = text(prefix)
    if "/" not in source or "%" in source:
        raise ArgumentError(0, f"invalid CIDR expression: invalid CIDR address: {source}")
    try:
        return ipaddress.ip_network(_without_leading_zeros(source), strict=False)
    except ValueError as error:
        raise ArgumentError(
            0, f"invalid CIDR expression: invalid CIDR address: {source}"
        ) from error


def _without_leading_zeros(source: str) -> str:
    """Drop zeros before decimal digits of IPv4, which Terraform reads as decimal still."""
    if ":" in source:
        return source
    address, _, length = source.partition("/")
    parts = [part.lstrip("0") or "0" if part else part for part in address.split(".")]
    return f"{'.'.join(parts)}/{length}"


def _integer(value: Value) -> int:
    found = amount(value)
    if not isinstance(found, int):
        raise FunctionError("value must be a whole number")
    return found


def _cidrhost(prefix: Value, hostnum: Value) -> Value:
    network, host = _network(prefix), _integer(hostnum)
    size = network.num_addresses
    if not -size <= host < size:
        raise FunctionError(
            f"prefix of {network.prefixlen} does not accommodate a host numbered {host}"
        )
    return string_value(str(network[host]))


def _cidrnetmask(prefix: Value) -> Value:
    network = _network(prefix)
    if network.version == _IPV6:
        raise FunctionError("IPv6 addresses cannot have a netmask: use CIDR notation")
    return string_value(str(network.netmask))


def _cidrsubnet(prefix: Value, newbits: Value, netnum: Value) -> Value:
    network, bits, number = _network(prefix), whole(newbits), _integer(netnum)
    length = network.prefixlen + bits
    if length < 0 or length > network.max_prefixlen:
        raise FunctionError(
            f"insufficient address space to extend prefix of {network.prefixlen} by {bits}"
        )
    if not 0 <= number < 1 << max(bits, 0):
        raise FunctionError(
            f"prefix extension of {bits} does not accommodate a subnet numbered {number}"
        )
    return string_value(_subnet(network, length, number))


def _subnet(network: Network, length: int, number: int) -> str:
    start = int(network.network_address) + (number << (network.max_prefixlen - length))
    return f"{type(network.network_address)(start)}/{length}"


def _cidrsubnets(prefix: Value, *newbits: Value) -> Value:
    network = _checked_network(prefix)
    at = int(network.network_address)
    end = at + network.num_addresses
    found: list[Value] = []
    for position, each in enumerate(newbits, start=1):
        try:
            bits = whole(each)
        except FunctionError as error:
            raise ArgumentError(position, str(error)) from error
        length = network.prefixlen + bits
        if bits < 1:
            raise ArgumentError(position, "must extend prefix by at least one bit")
        if length > network.max_prefixlen:
            raise ArgumentError(
                position, f"would extend prefix to {length} bits, which is too long for an address"
            )
        size = 1 << (network.max_prefixlen - length)
        at = -(-at // size) * size
        if at + size > end:
            raise ArgumentError(
                position,
                f"not enough remaining address space for a subnet with a prefix of {length} bits",
            )
        found.append(string_value(f"{type(network.network_address)(at)}/{length}"))
        at += size
    return list_of(found, STRING)


_IPV6: Final = 6
_PREFIX: Final = Parameter(name="prefix", type=STRING)
_NEWBITS: Final = Parameter(name="newbits", type=NUMBER)

FUNCTIONS: Final = (
    Function(
        name="cidrhost",
        description="The address of a host by its number in a network.",
        parameters=(_PREFIX, Parameter(name="hostnum", type=NUMBER)),
        returns=STRING,
        implementation=_cidrhost,
    ),
    Function(
        name="cidrnetmask",
        description="The netmask of an IPv4 network.",
        parameters=(_PREFIX,),
        returns=STRING,
        implementation=_cidrnetmask,
    ),
    Function(
        name="cidrsubnet",
        description="A subnet of a network by its number.",
        parameters=(_PREFIX, _NEWBITS, Parameter(name="netnum", type=NUMBER)),
        returns=STRING,
        implementation=_cidrsubnet,
    ),
    Function(
        name="cidrsubnets",
        description="Consecutive subnets of a network, of the given sizes.",
        parameters=(_PREFIX,),
        variadic=_NEWBITS,
        returns=ListType(STRING),
        implementation=_cidrsubnets,
    ),
)
