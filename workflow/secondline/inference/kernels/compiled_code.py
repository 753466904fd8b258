"""Compiled code that is kept on disk, with its digest: what is damaged there is compiled anew, and never run.

numba trusts what it finds. A file that lost its end in a power cut stops every later fit, and a wrong byte in the code
of a function ends the process without a word, or gives other numbers.

It also keeps a function by the folder of its source, and by the digest of that file alone, although the code has in it
what the function calls. The functions of this package are kept by the digest of all sources that they may call: every
copy of the same sources finds what another has compiled, and no copy finds what other sources gave.
"""

from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from numba.core import caching

_DIGEST = sha256().digest_size
_SOURCES = Path(__file__).parents[1]


class CheckedFiles(caching.IndexDataCacheFile):
    """The files in which numba keeps a function, each with a digest behind what numba writes and reads."""

    def save(self, key, data):
        """Keep the code for a signature; where it cannot be written, it is compiled anew next time.

        The name of its file follows from the signature. numba counts, so that of two processes which compile for two
        signatures at once, one would find the code of the other.
        """
        name = self._data_name(int(sha256(repr(key).encode()).hexdigest()[:12], 16))
        with suppress(OSError):
            self._save_data(name, data)
            self._save_index(self._load_index() | {key: name})

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


class SharedFolder(caching.UserProvidedCacheLocator):
    """Folder of the functions of this package below that of numba's compiled code, the same for every copy of it."""

    @classmethod
    def from_function(cls, py_func, py_file):
        """Where a function is kept; None for one of another package, which numba keeps as it would without this."""
        return super().from_function(py_func, py_file) if Path(py_file).is_relative_to(_SOURCES) else None

    @classmethod
    def get_suitable_cache_subpath(cls, py_file):
        """Name the folder by the digest of all sources and by that of the file."""
        return str(Path(_sources_digest(), *Path(py_file).relative_to(_SOURCES.parent).parent.parts))


@cache
def _sources_digest() -> str:
    return sha256(b"".join(path.read_bytes() for path in sorted(_SOURCES.rglob("*.py")))).hexdigest()[:16]


def _is_whole(file) -> bool:
    try:
        content = Path(file).read_bytes()
    except OSError:
        return False
    return sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]


def set_up_compiled_code() -> None:
    """Have numba check what it finds on disk, and share it among copies, for all functions declared from now on."""
    caching.IndexDataCacheFile = CheckedFiles
    if SharedFolder not in caching.CacheImpl._locator_classes:
        caching.CacheImpl._locator_classes.insert(0, SharedFolder)
