"""Compiled code that is kept on disk, with its digest: what is damaged there is compiled anew, and never run.

numba trusts what it finds. A file that lost its end in a power cut stops every later fit, and a wrong byte in the code
of a function ends the process without a word, or gives other numbers.
"""

from contextlib import contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from numba.core import caching

_DIGEST = sha256().digest_size


class CheckedFiles(caching.IndexDataCacheFile):
    """The files in which numba keeps a function, each with a digest behind what numba writes and reads."""

    def save(self, key, data):
        """Keep the code for a signature; where it cannot be written, it is compiled anew next time."""
        with suppress(OSError):
            super().save(key, data)

    def _load_index(self):
        return super()._load_index() if _is_whole(self._index_path) else {}

    def _load_data(self, name):
        path = self._data_path(name)
        if not _is_whole(path):
            raise OSError(f"{path} is damaged")  # which numba takes for missing
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath):
        with super()._open_for_write(filepath) as file:
            kept = BytesIO()
            yield kept
            file.write(kept.getvalue() + sha256(kept.getvalue()).digest())


def _is_whole(file) -> bool:
    try:
        content = Path(file).read_bytes()
    except OSError:
        return False
    return sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]


def check_what_is_kept() -> None:
    """Have numba check what it finds on disk, for all functions that are declared from now on."""
    caching.IndexDataCacheFile = CheckedFiles
