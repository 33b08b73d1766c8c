"""What a backend block says, and environment variables where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.dataclass import dataclass
from mlform.errors import BackendError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of a backend.

    Attributes:
        given: As configured; absent ones are left out.
        variables: The process environment.
        prefix: How the variable of an argument begins, before its name in capitals.
    """

    given: Mapping[str, object]
    variables: Mapping[str, str]
    prefix: str

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        value = self.given.get(name)
        if value is None:
            value = self.variables.get(self._variable(name)) or default
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return whether something is so.

        Raises:
            BackendError: If the variable says neither.
        """
        value = self.given.get(name)
        if value is None:
            value = self.variables.get(self._variable(name)) or default
        match value:
            case bool():
                return value
            case "true" | "1":
                return True
            case "false" | "0":
                return False
            case _:
                raise self._wrong(name, '"true" or "false"')

    def number(self, name: str, default: float) -> float:
        """Return a number that is not negative.

        Raises:
            BackendError: If it is none.
        """
        value = self.given.get(name)
        if value is None:
            value = self.variables.get(self._variable(name)) or default
        try:
            number = float(str(value))
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            raise self._wrong(name, "a number of at least 0")
        return number

    def texts(self, name: str) -> Mapping[str, str]:
        """Return texts by name."""
        value = self.given.get(name)
        return (
            {str(key): str(text) for key, text in value.items()} if isinstance(value, dict) else {}
        )

    def _variable(self, name: str) -> str:
        return f"{self.prefix}{name.upper()}"

    def _wrong(self, name: str, wanted: str) -> BackendError:
        return BackendError(
            "A setting of the backend is wrong",
            f"{name} (or the variable {self._variable(name)}) must be {wanted}.",
        )
