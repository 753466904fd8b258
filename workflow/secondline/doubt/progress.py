"""How far a long computation has come, on a terminal."""

import sys
import time
from types import TracebackType

_SOON, _OFTEN = 2.0, 0.5  # seconds until the line appears, and between its changes


class Progress:
    """A line on stderr that counts what is done, if that takes a while and stderr is a terminal.

    Parameters
    ----------
    total : int
    what : str
        What is counted, in the plural.
    """

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.started = self.shown = time.monotonic()
        self.visible = False

    def __enter__(self) -> "Progress":
        """Begin."""
        return self

    def add(self, n: int) -> None:
        """Count what has been done since."""
        self.done += n
        now = time.monotonic()
        if now - self.started > _SOON and now - self.shown > _OFTEN and sys.stderr.isatty():
            left = (now - self.started) / self.done * (self.total - self.done)
            print(
                f"\r{self.done:,} of {self.total:,} {self.what}, {left:.0f} s left ",
                end="",
                file=sys.stderr,
                flush=True,
            )
            self.shown, self.visible = now, True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the line."""
        if self.visible:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
