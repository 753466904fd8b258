"""Joint draws of all relative effects as one compressed CSV, for models that are built on the network."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from secondline.network.arms import Arm
from secondline.network.graph import received
from secondline.network.structure import Structure
from secondline.summaries.posterior import Posterior
from secondline.summaries.relative_effects import blocks
from secondline.tables import to_csv, write_bytes


def write_draws(file: Path, posterior: Posterior, arms: Sequence[Arm], structure: Structure, reference: str) -> None:
    """Write every draw of the effects against the reference of the network, on the link scale.

    One row a draw: chain, draw, and ``d[setting,treatment]`` for every setting and every other treatment that any arm
    received. The columns of a row belong together; those of different outcomes do not, their fits are independent.
    """
    anchor = structure.regimens.index(reference)
    names, differences = ["chain", "draw"], []
    for setting, s in blocks(structure).items():
        for treatment in received(arms, structure.regimens):
            if treatment != reference:
                names.append(f"d[{setting},{treatment}]")
                t = structure.regimens.index(treatment)
                differences.append(posterior.difference(s, t, anchor))
    chains, length, width = posterior.draws.shape
    n = chains * length
    drawn = posterior.draws.reshape(n, width) @ np.array(differences).reshape(-1, width).T
    rows = (
        dict(zip(names, [i // length, i % length, *values], strict=True)) for i, values in enumerate(drawn.tolist())
    )
    # No time in the header of the archive: the same draws give the same bytes.
    write_bytes(file, gzip.compress(to_csv(rows, names).encode(), compresslevel=6, mtime=0))
