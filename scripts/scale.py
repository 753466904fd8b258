"""Write a simulated project of a size to run whole, or measure one that was run.

    python scripts/scale.py --write big.yaml --studies 500 --treatments 60 --outcomes 8
    secondline run --configfile big.yaml
    python scripts/scale.py --measure big.yaml

Outcomes are in turn log odds ratios from counts, log hazard ratios and mean differences from contrasts, each reported
by every study. Effects are of one size for all outcomes, so that the report can be read for what it should say.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

SEED, TAU = 20261201, 0.15
MEASURES = ("OR", "HR", "MD")
PRIOR = {"effect": 10, "tau": 1, "omega": 1, "baseline": 10}
COLUMNS = {
    "OR": ("study", "treatment", "events", "n"),
    "HR": ("study", "treatment", "comparator", "effect", "se"),
    "MD": ("study", "treatment", "comparator", "effect", "se"),
}


def measure_of(outcome: int) -> str:
    """Give the measure of an outcome, by its number."""
    return MEASURES[outcome % len(MEASURES)]


def arms(studies: int, treatments: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Give two treatments of every study: a chain that links all of them, half the others against the reference."""
    for study in range(studies):
        if study < treatments - 1:
            yield [study, study + 1]
        elif study % 2:
            yield [0, int(rng.integers(1, treatments))]
        else:
            yield sorted(int(t) for t in rng.choice(treatments, 2, replace=False))


def rows_of(
    measure: str, designs: Sequence[Sequence[int]], effects: Any, rng: np.random.Generator
) -> Iterator[list[str]]:
    """Simulate what each study reports: events of 50 to 500 patients an arm, or an effect with its standard error."""
    for number, pair in enumerate(designs):
        study, names = f"study_{number:04}", [f"t{t:02}" for t in pair]
        n = rng.integers(50, 500)
        if measure == "OR":
            middle = rng.normal(-1, 0.4)
            for treatment, name in zip(pair, names, strict=True):
                eta = middle + effects[treatment] + rng.normal(0, TAU / np.sqrt(2))
                yield [study, name, str(rng.binomial(n, 1 / (1 + np.exp(-eta)))), str(n)]
        else:
            se = 2 / np.sqrt(n)
            effect = effects[pair[1]] - effects[pair[0]] + rng.normal(0, np.hypot(TAU, se))
            yield [study, names[1], names[0], f"{effect:.6f}", f"{se:.6f}"]


def configuration(tables: dict[str, str], treatments: int) -> dict[str, Any]:
    """Configure one analysis of all outcomes by a fixed and a random model."""
    attempt = {"tune": 600, "target_accept": 0.9}
    return {
        "seed": SEED,
        "evidence": [{"file": file, "outcome": outcome} for outcome, file in tables.items()],
        "treatments": {"reference": "t00", "regimens": {f"t{t:02}": f"Treatment {t}" for t in range(treatments)}},
        "outcomes": {
            outcome: {
                "label": f"Outcome {number + 1}",
                "measure": measure_of(number),
                "better": "higher",
                "margin": 0.1 if measure_of(number) == "MD" else 1.1,
                "prior": "wide",
            }
            for number, outcome in enumerate(tables)
        },
        "models": {"fixed": {"heterogeneity": False}, "random": {"heterogeneity": True}},
        "headline": "random",
        "priors": {"wide": PRIOR},
        "sampler": {
            "chains": 4,
            "draws": 1000,
            **attempt,
            "retry": {"draws": 4000, "tune": 2000, "target_accept": 0.99},
        },
        "analyses": {"all": {"label": "All studies"}},
    }


def write(config: Path, studies: int, treatments: int, outcomes: int) -> None:
    """Write the configuration of a simulated project, with results of its own, and its tables beside it."""
    rng = np.random.default_rng(SEED)
    designs = list(arms(studies, treatments, rng))
    effects = np.concatenate([[0.0], rng.normal(0, 0.3, treatments - 1)])
    tables = {f"outcome_{k + 1}": str(config.with_name(f"{config.stem}_{k + 1}.csv")) for k in range(outcomes)}
    for number, file in enumerate(tables.values()):
        kind = measure_of(number)
        with Path(file).open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(COLUMNS[kind])
            writer.writerows(rows_of(kind, designs, effects, rng))
    made = {"results": f"results/{config.stem}", **configuration(tables, treatments)}
    config.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")


def measure(config: Path) -> None:
    """Print what the last run of a project took, job by job, and how large its results are.

    Every output has a note of Snakemake with times of its own; a job is what has one rule and one log.
    """
    results = Path(yaml.safe_load(config.read_text(encoding="utf-8"))["results"])
    jobs: dict[tuple[str, str], tuple[float, float]] = {}  # by rule and log
    for note in (file for file in Path(".snakemake/metadata").rglob("*") if file.is_file()):
        found = json.loads(note.read_text(encoding="utf-8"))
        if str(results) in " ".join(found.get("input") or []) + str(found.get("log")):
            start, end = jobs.get((found["rule"], str(found["log"])), (found["starttime"], found["endtime"]))
            jobs[found["rule"], str(found["log"])] = min(start, found["starttime"]), max(end, found["endtime"])
    by_rule: dict[str, list[float]] = defaultdict(list)
    for (rule, _), (start, end) in jobs.items():
        by_rule[rule].append(end - start)
    if jobs:
        starts, ends = zip(*jobs.values(), strict=True)
        print(f"from the first job to the last: {max(ends) - min(starts):.0f} s")
    print(f"{'rule':44}{'jobs':>6}{'seconds':>10}{'longest':>10}")
    for rule, took in sorted(by_rule.items(), key=lambda item: -sum(item[1])):
        print(f"{rule:44}{len(took):>6}{sum(took):>10.1f}{max(took):>10.1f}")
    sizes: dict[str, list[int]] = defaultdict(list)
    for file in (file for file in results.rglob("*") if file.is_file()):
        sizes[file.suffix].append(file.stat().st_size)
    print(f"\n{'files':44}{'number':>6}{'MB':>10}{'largest':>10}")
    for suffix, size in sorted(sizes.items(), key=lambda item: -sum(item[1])):
        print(f"{suffix:44}{len(size):>6}{sum(size) / 1e6:>10.1f}{max(size) / 1e6:>10.2f}")


def main() -> None:
    """Write or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="CONFIG")
    what.add_argument("--measure", type=Path, metavar="CONFIG")
    for name, size in (("studies", 500), ("treatments", 60), ("outcomes", 8)):
        parser.add_argument(f"--{name}", type=int, default=size)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure)
    else:
        write(asked.write, asked.studies, asked.treatments, asked.outcomes)


if __name__ == "__main__":
    sys.exit(main())
