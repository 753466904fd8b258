"""Compile what every fit needs, where runs of this project find it: ``secondline compile``, a step of `make setup`."""

import argparse
import time
from pathlib import Path

from secondline.inference.sampling import use_compile_cache


def compile_code() -> None:
    """Fit a small network of counts and one of contrasts with both engines, and rank.

    All likelihoods of counts share their compiled code, so that every later fit finds what it needs.
    """
    import pandas as pd

    import secondline as sl

    arms = pd.DataFrame({"study": [*"aabb"], "treatment": [*"xyxz"], "events": [3, 5, 6, 7], "n": 20})
    contrasts = pd.DataFrame({"study": [*"ab"], "treatment": [*"yz"], "comparator": "x", "effect": 0.1, "se": 0.2})
    names = {"study": "study", "treatment": "treatment", "reference": "x"}
    counts = sl.Network.from_arms(arms, events="events", n="n", **names)
    effects = sl.Network.from_contrasts(
        contrasts, comparator="comparator", effect="effect", se="se", measure="HR", **names
    )
    for network, likelihood in ((counts, "binomial"), (effects, "normal")):
        sl.fit(network, sl.Model(likelihood=likelihood), engine="nuts", cores=1).ranking(better="lower")


def main() -> None:
    """Compile into the folder that runs of this project use."""
    argparse.ArgumentParser(prog="secondline compile", description=__doc__).parse_args()
    use_compile_cache(Path(".cache/compiled"))
    started = time.perf_counter()
    print("secondline: compiling what every fit needs, once …", flush=True)
    compile_code()
    print(f"secondline: compiled in {time.perf_counter() - started:.0f} s")
