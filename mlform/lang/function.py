"""What a function of the language is."""

from __future__ import annotations

from collections.abc import Callable

from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics
from mlform.lang.types import DYNAMIC, Type
from mlform.lang.values import Value


class FunctionError(Exception):
    """A call fails as a whole; the message completes `Call to function "x" failed: …`."""


class ArgumentError(FunctionError):
    """One argument is at fault; the message completes `Invalid value for "x" parameter: …`."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        name: As Terraform names it.
        type: What arguments are converted to.
        nullable: Whether null is passed on instead of refused.
        shallow: Whether only the argument itself must be known and loses its marks to the result;
            unknown and marked elements inside are passed on as they are.
        raw: Whether the argument is passed as it is, even unknown or marked; its marks do not
            flow to the result.
        unknown: Whether the argument may be unknown, in whole or in part; marks at any depth flow
            to the result, and the function sees none.
        reference: Whether the argument must be written as a reference, not as a template.
    """

    name: str
    type: Type = DYNAMIC
    nullable: bool = False
    shallow: bool = False
    raw: bool = False
    unknown: bool = False
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Closure:
    """An argument that is not resolved yet, for functions that watch it fail.

    Attributes:
        resolve: Resolves the argument and records its problems.
        source: The argument as written.
    """

    resolve: Callable[[Diagnostics], Value]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function.

    Attributes:
        name: As called.
        description: One sentence for people.
        parameters: The positional parameters.
        variadic: The parameter of all further arguments, if they are allowed.
        returns: The type of the result, or `DYNAMIC` if it depends on the arguments.
        result_type: Finds the result's type from arguments of which some are unknown; raises
            `FunctionError` where they cannot be right whatever their values.
        early: Finds the result, as far as it is known, where arguments are unknown; in place of
            `result_type`.
        nullable: Whether the result may be null.
        implementation: Takes one `Value` per argument, known and converted; raises
            `FunctionError`. For a lazy function one `Closure` per argument.
        lazy: Whether arguments are passed unresolved.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...] = ()
    variadic: Parameter | None = None
    returns: Type = DYNAMIC
    result_type: Callable[..., Type] | None = None
    early: Callable[..., Value] | None = None
    nullable: bool = False
    implementation: Callable[..., Value]
    lazy: bool = False

    def parameter(self, position: int) -> Parameter:
        """Return the parameter of an argument, counted from 0.

        Raises:
            IndexError: If there is no such parameter.
        """
        if position < len(self.parameters):
            return self.parameters[position]
        if self.variadic is None:
            raise IndexError(position)
        return self.variadic
