"""Names and what they mean, with no default: a name that is not there is a user's mistake, said in one line."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from secondline.errors import UserError


class Named(Protocol):
    """Anything that has a name."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""


class Registry[T: Named](Mapping[str, T]):
    """Things by name, in the order given.

    Raises
    ------
    UserError
        By ``registry[name]``, and by ``registry.get(name)`` too, for a name that is not there.
    """

    def __init__(self, kind: str, members: Iterable[T]) -> None:
        self._kind, self._members = kind, {member.name: member for member in members}

    def __getitem__(self, name: str) -> T:
        """Find what a name means."""
        if name not in self._members:
            raise UserError(f"unknown {self._kind}; allowed: {', '.join(self)}", key=self._kind, value=name)
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        """Whether a name is there."""
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._members)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._members)
