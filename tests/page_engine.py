"""The engine of the page under node, and random networks to hold it to the exact engine."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import secondline
from secondline.inference.priors import PriorScales
from secondline.inference.settings import FitSettings, ModelSettings, SamplerPlan, SamplerSettings
from secondline.network.predictor import Effects
from secondline.network.structure import Treatments
from secondline.report.prose.first import CRITERIA, NO_CANDIDATES, NOBODY
from secondline.report.words import EVIDENCE_WORDS, NOT_RANKED
from secondline.summaries.settings import ComparisonSettings

SCRIPTS = Path(secondline.__file__).parent / "report" / "page" / "script"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="the engine of the page is tested under node")

_RUN = """
import {{readFileSync}} from "node:fs";
{imports}
const asked = JSON.parse(readFileSync(0, "utf8"));
const answered = (() => {{ {body} }})();
process.stdout.write(JSON.stringify(answered));
"""


def node(imports: Mapping[str, str], body: str, asked: Any) -> Any:
    """Run a function body under node: ``asked`` is its data, what it returns is the answer.

    Parameters
    ----------
    imports : mapping
        Names to import, by module of the page's script.
    """
    lines = [f'import {{{names}}} from "{(SCRIPTS / module).as_uri()}";' for module, names in imports.items()]
    text = _RUN.format(imports="\n".join(lines), body=body)
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", text],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def bare_words(data: Mapping[str, Any], asked: ComparisonSettings) -> dict[str, Any]:
    """Write the words that the panel needs for the models of one outcome, ``os``: names are ids in capitals."""
    outcome = {"label": "O", "measure": asked.measure, "ratio": asked.ratio, "lower": asked.better == "lower"}
    return {
        "headline": "pooled",
        "outcomes": {"os": {**outcome, "words": "Hazard ratio", "prior": "prior", "priors": {}}},
        "regimens": {name: name.upper() for name in data["regimens"]},
        "studies": {one["study"]: one["study"].upper() for one in data["studies"]},
        "settings": {},
        "models": {},
        "choices": {},
        "secondary": [],
        "evidence": EVIDENCE_WORDS,
        "criteria": CRITERIA,
        "nobody": NOBODY,
        "noCandidates": NO_CANDIDATES,
        "notRanked": NOT_RANKED,
    }


def random_network(seed: int) -> tuple[list[dict[str, str]], FitSettings, ComparisonSettings]:
    """Make up a network of contrasts: components, settings, mixed and multi-arm studies, 2 to 40 treatments."""
    rng = np.random.default_rng(seed)
    treatments = _treatments(rng)
    names, settings = list(treatments.regimens), treatments.settings
    rows: list[dict[str, str]] = []
    for k in range(int(rng.integers(1, max(3, len(names) * 3 // 2)))):
        rows += _study(f"study_{k}", names, settings, rng)
    models = {
        "pooled": ModelSettings(effects=Effects(), prior=_scales(rng, 0.0)),
        "fixed": ModelSettings(effects=Effects(), prior=PriorScales(2.0, 0.0, 0.0, 10.0)),
    }
    if settings:
        models["setting"] = ModelSettings(effects=Effects(settings=True), prior=_scales(rng, 0.3))
    once = SamplerSettings(draws=1, tune=1, target_accept=0.9)
    fit = FitSettings(
        analysis="main",
        outcome="os",
        likelihood="contrasts",
        treatments=treatments,
        models=models,
        sampler=SamplerPlan(chains=1, first=once, retry=once),
        seed=1,
    )
    barred = {settings[0]: (names[-1],)} if settings and len(names) > 3 else {}
    better = str(rng.choice(["lower", "higher"]))
    asked = ComparisonSettings(
        measure="HR", ratio=True, better=better, margin=1.0, reference=names[0], not_candidates=barred
    )
    return rows, fit, asked


def _scales(rng: np.random.Generator, omega: float) -> PriorScales:
    return PriorScales(float(rng.choice([0.5, 2.0, 100.0])), float(rng.choice([0.2, 1.0])), omega, 10.0)


def _treatments(rng: np.random.Generator) -> Treatments:
    """Draw two to eight components, regimens that share them or do not, and up to three settings."""
    if rng.random() < 0.4:
        plain = [f"t{i}" for i in range(1, int(rng.choice([2, 3, 6, 12, 40])))]
        return Treatments(components=tuple(plain), regimens={"t0": (), **{name: (name,) for name in plain}})
    components = [f"c{i}" for i in range(int(rng.integers(2, 6)))]
    regimens: dict[str, tuple[str, ...]] = {"none": (), **{c: (c,) for c in components}}
    for _ in range(int(rng.integers(0, 5))):
        pair = tuple(sorted(rng.choice(components, 2, replace=False).tolist()))
        regimens["+".join(pair)] = pair
    settings = tuple(f"after_{k}" for k in range(int(rng.integers(0, 4))))
    return Treatments(components=tuple(components), regimens=regimens, settings=settings)


def _study(study: str, names: Sequence[str], settings: Sequence[str], rng: np.random.Generator) -> list[dict[str, str]]:
    """Make up the rows of one study of two to four arms, some of them mixed, in one setting, in several or in none."""
    arms = int(rng.choice([2, 2, 2, 3, 4]))
    given = rng.choice(len(names), min(arms, len(names)), replace=False)
    mixes = [f"{names[i]}:{rng.integers(20, 200)}" for i in given]
    if len(names) > 3 and rng.random() < 0.2:
        mixes[-1] += f" {names[(given[-1] + 1) % len(names)]}:{rng.integers(5, 60)}"
    chosen = rng.choice(settings, int(rng.integers(0, min(3, len(settings) + 1))), replace=False) if settings else []
    mix = " ".join(f"{name}:{rng.integers(10, 90)}" for name in chosen)
    baseline = float(rng.uniform(0.05, 0.3))
    return [
        {
            "study": study,
            "used": "true",
            "treatment_arm": f"arm {k}",
            "comparator_arm": "arm 0",
            "treatment_mix": mixes[k],
            "comparator_mix": mixes[0],
            "setting_mix": mix,
            "n_treatment": "100",
            "n_comparator": "90",
            "effect": repr(float(rng.normal(-0.2, 0.6))),
            "se": repr(float(np.hypot(baseline, rng.uniform(0.05, 0.4)))),
            "baseline_se": repr(baseline),
        }
        for k in range(1, len(mixes))
    ]
