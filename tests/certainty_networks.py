"""The tables of certainty of a made-up network: contributions and risk of bias are made up, the rest is judged."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from secondline.cell_values import PRIOR_SHARE
from secondline.certainty.behind import write_studies_behind
from secondline.certainty.findings import summarise_findings
from secondline.certainty.job import judge_certainty
from secondline.certainty.settings import CertaintySettings, TreatmentOrder
from secondline.certainty.small_studies import COLUMNS, TEST_COLUMNS, Tables, find_small_studies
from secondline.jobs.certainty_settings import levels_of_studies
from secondline.tables import write_table

from tests.certainty_tables import write_tables
from tests.networks import contrast_row, plain
from tests.test_plots import Network

VERSIONS = {
    "start": "design",
    "within_study_bias": "majority",
    "reporting_bias": "person",
    "indirectness": "majority",
    "imprecision": "software",
    "heterogeneity": "software",
    "incoherence": "secondline",
    "overall": "sum",
}
DOMAINS = ("randomisation_process", "deviations_from_interventions", "overall")
CONCERNS = ("low", "some_concerns", "high", "not judged")


def settings_of(network: Network, **given: Any) -> CertaintySettings:
    """Give the settings by which a network is judged; all its studies are randomised."""
    versions = {**VERSIONS, **given.pop("versions", {})}
    randomised = dict.fromkeys(network.designs, True)
    return CertaintySettings(**{"versions": versions, "equivalence": (-0.2, 0.2), "randomised": randomised, **given})


def contribution_rows(network: Network, model: str = "pooled", prior: float = 0.05) -> list[dict[str, Any]]:
    """Rows of contributions.csv: a study that compares the two counts ten times as much as another."""
    rows = []
    for setting in ("overall", *network.settings):
        for comparator, treatment in combinations(network.effects, 2):
            names = {"model": model, "setting": setting, "treatment": treatment, "comparator": comparator}
            counts = {
                study: 10 if {treatment, comparator} <= set(arms) else 1 for study, arms in network.designs.items()
            }
            total = sum(counts.values()) / (1 - prior)
            shares = {study: count / total for study, count in counts.items()} | {PRIOR_SHARE: prior}
            rows += [
                {**names, "study": study, "share": repr(share), "share_lower": repr(share), "share_upper": repr(share)}
                | {"weight": "", "method": "posterior covariance"}
                for study, share in shares.items()
            ]
    return rows


def bias_rows(network: Network, outcome: str = "result") -> list[dict[str, str]]:
    """Rows of evidence/risk_of_bias.csv: levels in turn, so that every level and every gap occurs."""
    rows = []
    for i, study in enumerate(network.designs):
        for k, domain in enumerate(DOMAINS):
            level = (i + k) % 4
            known = {"judgement": CONCERNS[level], "level": str(level + 1) if level < 3 else "", "judge": "AB"}
            rows.append({"study": study, "outcome": outcome, "tool": "rob_2", "domain": domain, **known})
    return rows


def small_study_tables(network: Network, copies: int = 1) -> Tables:
    """Compare small studies with large ones: as many copies of every study as asked for, smaller and smaller."""
    rows = []
    for k in range(copies):
        for i, (study, arms) in enumerate(network.designs.items()):
            effect, se = network.effects[arms[1]] - network.effects[arms[0]], 0.1 + 0.07 * k + 0.02 * i
            row = contrast_row(f"{study}.{k}", arms[1], arms[0], effect - se * (0.5 + 0.3 * (k % 2)), se)
            rows.append(row)
    order = TreatmentOrder(treatments=tuple(network.effects), reason="As the network has them.")
    return find_small_studies(rows, plain(list(network.effects)), "contrasts", order)


def write_certainty(here: Path, network: Network, **given: Any) -> Mapping[str, str]:
    """Write the tables under certainty/ of an outcome by the jobs of a run; give the files that they read.

    Parameters
    ----------
    here : path
        results/<analysis>/<outcome>
    given
        Settings of the judgements, ``absolute``, rows of absolute_effects.csv, and ``copies`` of every study to compare
        by size.
    """
    absolute = given.pop("absolute", network.absolute())
    small = small_study_tables(network, given.pop("copies", 1))
    levels = levels_of_studies(bias_rows(network), bias_rows(network)[0]["outcome"])
    settings, folder = settings_of(network, **{"risk_of_bias": levels, **given}), here / "certainty"
    draws = {
        f"d[{setting},{name}]": np.linspace(effect - network.width, effect + network.width, 40)
        for setting in ("overall", *network.settings)
        for name, effect in network.effects.items()
    }
    relative = [{**row, "interval": "95% equal-tailed credible"} for row in network.relative()]
    contributions = contribution_rows(network)
    (folder / "made").mkdir(parents=True, exist_ok=True)
    files = write_tables(
        folder / "made",
        relative,
        contributions,
        splits=[],
        draws=draws,
    )
    made = {
        "contributions": contributions,
        "effects": relative,
        "evidence": network.evidence(),
        "absolute": absolute,
        "ranking": network.ranking(),
        "risk_of_bias": bias_rows(network),
    }
    tables = {name: folder / "made" / f"{name}_in_full.csv" for name in made}
    tables["contributions"] = folder / "contributions.csv"
    for name, rows in made.items():
        write_table(tables[name], rows, tuple(rows[0]) if rows else ("setting",))
    write_table(folder / "small_study.csv", small.points, COLUMNS)
    write_table(folder / "small_study_test.csv", small.test, TEST_COLUMNS)
    judge_certainty(files, settings, "pooled", str(folder / "certainty.csv"))
    read = {name: str(file) for name, file in tables.items() if name != "risk_of_bias"}
    read |= {"certainty": str(folder / "certainty.csv"), "behind": str(folder / "studies_behind.csv")}
    write_studies_behind(read["contributions"], read["evidence"], read["behind"])
    summarise_findings(read, "pooled", str(folder / "summary_of_findings.csv"))
    return {**read, "risk_of_bias": str(tables["risk_of_bias"])}
