"""Earlier outputs of a job that runs, kept as links: they need no room, and are back in place at a stroke.

Snakemake copies them, and copies them back when the job fails. On a full disk the second copy is cut short, and with it
what the job had never touched. All outputs are written aside and moved into place, so that a link keeps what was there.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def keep_by_links() -> None:
    """Have Snakemake keep earlier outputs as links, for the life of this process."""
    from snakemake.persistence import FileBackupMixin as Backups

    copy, copy_back, remove = Backups.backup_output, Backups.restore_output, Backups.cleanup_backup

    def keep(self: Any, path: Path) -> None:
        link = _link(path)
        link.unlink(missing_ok=True)
        try:
            os.link(path, link)
        except OSError:  # of a disk that knows no links
            copy(self, path)

    def bring_back(self: Any, path: Path) -> bool:
        if not _link(path).exists():
            return bool(copy_back(self, path))
        os.replace(_link(path), path)
        return True

    def forget(self: Any, path: Path) -> None:
        _link(path).unlink(missing_ok=True)
        remove(self, path)

    Backups.backup_output, Backups.restore_output, Backups.cleanup_backup = keep, bring_back, forget


def sweep(folders: Iterable[Path]) -> None:
    """Remove links and half-written files that a run has left which was killed."""
    for folder in folders:
        for ending in ("earlier", "part"):
            for left in folder.rglob(f".*.{ending}"):
                left.unlink(missing_ok=True)


def _link(file: Path) -> Path:
    return file.with_name(f".{file.name}.earlier")
