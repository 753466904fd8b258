"""What `secondline compile` compiles: everything that a later fit needs, whatever its likelihood."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PREPARE = """
from secondline.tools.compile_code import main
main()
"""
COUNT = """
from pathlib import Path
import pkgutil
from importlib import import_module

from secondline.inference.sampling import use_compile_cache

use_compile_cache(Path(".cache/compiled"))

import secondline as sl
import secondline.inference
import secondline.inference.kernels
from numba.core.dispatcher import Dispatcher

DATA = {{
    "smoking": {{"events": "events", "n": "n", "reference": "no_contact"}},
    "parkinsons_arms": {{"mean": "mean", "sd": "sd", "n": "n", "reference": "placebo"}},
}}
net = sl.Network.from_arms(sl.example("{data}"), study="study", treatment="treatment", **DATA["{data}"])
sl.fit(net, sl.Model(likelihood="{likelihood}"), engine="{engine}", draws=1500, cores=1).ranking(better="lower")
compiled = 0
for package in (secondline.inference, secondline.inference.kernels):
    for found in pkgutil.iter_modules(package.__path__):
        module = import_module(f"{{package.__name__}}.{{found.name}}")
        own = (value for value in vars(module).values() if isinstance(value, Dispatcher))
        compiled += sum(sum(function.stats.cache_misses.values()) for function in own)
print(compiled)
"""


def run(code: str) -> str:
    """Run code in the folder of the project, in a process of its own, which compiles where runs of the project do."""
    own = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    words = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(words, cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def prepared() -> str:
    """Do what the set-up does; it takes seconds where that has been done."""
    return run(PREPARE)


def test_it_says_what_it_does(prepared: str) -> None:
    """It takes a minute."""
    assert prepared.startswith("secondline: compiling what every fit needs, once")


@pytest.mark.parametrize(
    ("data", "likelihood", "engine"),
    [("smoking", "binomial", "exact"), ("smoking", "binomial", "nuts"), ("parkinsons_arms", "normal", "nuts")],
)
def test_a_fit_finds_all_its_code(prepared: str, data: str, likelihood: str, engine: str) -> None:
    """No function of the package is compiled again, though some of the many draws are taken in steps."""
    assert prepared
    assert run(COUNT.format(data=data, likelihood=likelihood, engine=engine)).splitlines()[-1] == "0"
