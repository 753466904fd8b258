"""What follows from a project alone is worked out once, however many rules ask for it."""

from collections.abc import Callable
from functools import cache, wraps

from secondline.project.config import Project


class _Same:
    """A project as a key: equal to itself alone."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.project is other.project

    def __hash__(self) -> int:
        return id(self.project)


def once_a_project[*Ts, T](function: Callable[[Project, *Ts], T]) -> Callable[[Project, *Ts], T]:
    """Remember what a function gives for a project, which is frozen, and for its other arguments.

    What it gives is shared by all who ask, and must not be changed by them.
    """

    @cache
    def remembered(same: _Same, *args: *Ts) -> T:
        return function(same.project, *args)

    @wraps(function)
    def asked(project: Project, *args: *Ts) -> T:
        return remembered(_Same(project), *args)

    return asked
