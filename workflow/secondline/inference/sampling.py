"""Sampling with nutpie: compile once, swap the data, sample many."""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from secondline.inference.settings import SamplerSettings


def use_compile_cache(folder: Path) -> None:
    """Keep compiled code in a folder of the project, which the nodes of a cluster share with it.

    Files are moved into place whole and are known by the processor that they are for, so that jobs on several nodes
    may write at once. The environment variable SECONDLINE_CACHE names another folder. Has to be called before PyTensor
    or numba are imported.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder = Path(os.environ.get("SECONDLINE_CACHE", folder))
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    flags = {
        "base_compiledir": folder / "pytensor",
        "generated_src_dir": folder / "pytensor-sources",  # else every fit leaves a file in the temporary folder
        # No C++: it would be for the graphs of checks alone, take seconds, need a compiler, and leave a library on the
        # disk that ends the process where it is damaged.
        "cxx": "",
    }
    os.environ["PYTENSOR_FLAGS"] = ",".join(f"{name}={value}" for name, value in flags.items())
    os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
    with TemporaryFile(dir=folder):  # numba would only say that it finds no folder
        pass


def use_user_cache() -> None:
    """Keep compiled kernels in the user's cache folder (XDG), unless a folder is chosen or numba is there already."""
    if "NUMBA_CACHE_DIR" in os.environ or "numba" in sys.modules:
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "secondline"
    folder = Path(os.environ.get("SECONDLINE_CACHE", home)) / "numba"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["NUMBA_CACHE_DIR"] = str(folder)


def fit_seed(seed: int, *names: str) -> int:
    """Derive the seed of one fit from the seed of the configuration and the names of the fit."""
    return int.from_bytes(sha256("/".join([str(seed), *names]).encode()).digest()[:4])


@dataclass
class CompiledModel:
    """A compiled PyMC model, and the seconds its compilation took."""

    compiled: Any
    seconds: float

    def sample(self, data: dict[str, Any], settings: SamplerSettings, chains: int, cores: int, seed: int) -> Any:
        """Draw from the posterior, each chain on one core: threads of linear algebra within them would fight for it.

        Returns
        -------
        xarray.DataTree
            With the raw parameters in `posterior` and divergences in `sample_stats`.
        """
        import nutpie
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return nutpie.sample(
                self.compiled.with_data(**data),
                draws=settings.draws,
                tune=settings.tune,
                chains=chains,
                cores=cores,
                seed=seed,
                target_accept=settings.target_accept,
                save_warmup=False,
                progress_bar=False,
            )


def compile_model(model: Any) -> CompiledModel:
    """Compile a PyMC model of `models.network_model` for nutpie."""
    start = time.perf_counter()
    from secondline.inference.nutpie_bridge import nutpie_model

    return CompiledModel(nutpie_model(model), time.perf_counter() - start)
