"""A disk that is full, read-only or closed to the user: one line that says so, before a run where that can be known."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from secondline.errors import UserError
from secondline.tables import write_bytes

LOGS = Path("logs")
"""The rules name the logs of their jobs below it."""
_FAULTS = {
    errno.ENOSPC: "cannot be written, because the disk is full; make room",
    errno.EDQUOT: "cannot be written, because the quota of the disk is used up; make room",
    errno.EFBIG: "cannot be written, because files may not be that large here (ulimit -f); raise that limit",
    errno.EROFS: "cannot be written, because the file system is read-only; mount it for writing, or use another folder",
    errno.EACCES: "cannot be read or written, because permission is denied; change that, or use another folder",
    errno.EPERM: "cannot be read or written, because the system does not permit it; change that, or use another folder",
    errno.EIO: "cannot be read or written, because the disk reports an error; mend that",
}
_AFTER = "then start the run again: it goes on from here, and earlier results are as they were"
_PROBE = b"\0" * (1 << 20)  # a run that cannot write a megabyte comes nowhere


def disk_fault(error: BaseException | None) -> UserError | None:
    """Say what the disk has refused, here or on the way to this error; None of any other error.

    Libraries wrap what the system says: the error of a workbook has that of its file behind it.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FAULTS:
            return UserError(f"{_FAULTS[error.errno]}; {_AFTER}", error.filename or "a file")
        error = error.__cause__ or error.__context__
    return None


def check_writable(folders: Iterable[Path]) -> None:
    """Check that a run can write into its folders, which are made.

    Raises
    ------
    UserError
        The first into which it cannot.
    """
    for folder in folders:
        probe = folder / f".writable.{os.getpid()}"
        try:
            write_bytes(probe, _PROBE)
            probe.unlink()
        except (FileExistsError, NotADirectoryError):
            raise UserError("there is a file where a run needs a folder; move it away", folder) from None
        except OSError as error:
            error.filename = str(folder)
            raise disk_fault(error) or error from None
