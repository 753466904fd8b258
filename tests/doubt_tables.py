"""Made-up tables of how far the answer of a made-up network can be trusted."""

import csv
import gzip
from pathlib import Path
from typing import Any

from secondline.report.doubt import Doubt
from secondline.report.settings import DoubtFacts

from tests.test_plots import Network, write_rows

AXES = {"one": ("a", "b", "left_out"), "structure": ("additive", "regimen_level")}
FACTS = DoubtFacts(
    tables=(
        "specifications.csv.gz",
        *(f"specification_{table}.csv" for table in ("levels", "shares", "flips", "counts", "steps")),
        "thresholds.csv",
        "thresholds_joint.csv",
        "overlap.csv",
        "bias_fan.csv",
        "bias_tipping.csv",
        "held_out.csv",
        "next_study.csv",
    ),
    figures=("specification_curve", "thresholds", "bias_fan"),
    axes={"one": "Study one", "structure": "structure"},
    studies=("one",),
    schemes={"newer": "newer against older arms"},
)
NAMES_OF_LEVELS = {"a": "adjusted HR", "b": "medians with confidence intervals, which are known to be very imprecise"}


def level_rows(setting: str, first: str, second: str) -> list[dict[str, str]]:
    """Rows of specification_levels.csv: the first in 60% and the second in 20% of all, nobody placed in 20%."""
    shared = {"setting": setting, "n": "1234", "weight": "1.0", "lead": first, "lead_comparator": second}
    shared |= {"lead_p_better_median": "0.7125", "lead_share_certain": "0.104"}
    overall = {"axis": "", "level": "", "label": "", "declared": ""}
    rows = [
        {**shared, **overall, "treatment": "", "share_first": "0.2", "share_of_placed": "", "share_named": "0.0"},
        {
            **shared,
            **overall,
            "treatment": second,
            "share_first": "0.2",
            "share_of_placed": "0.25",
            "share_named": "0.1",
        },
        {
            **shared,
            **overall,
            "treatment": first,
            "share_first": "0.6",
            "share_of_placed": "0.75",
            "share_named": "0.3",
        },
    ]
    for axis, levels in AXES.items():
        for k, level in enumerate(levels):
            words = {"axis": axis, "level": level, "label": NAMES_OF_LEVELS.get(level, level.replace("_", " "))}
            rows.append({**rows[-1], **words, "declared": "true" if k == 0 else "false", "treatment": first})
    return rows


def share_rows(setting: str, first: str, second: str) -> list[dict[str, str]]:
    """Rows of specification_shares.csv."""
    shared = {"setting": setting, "quantity": "lead_effect", "treatment": first, "comparator": second}
    shares = {"one": ("0.5", "0.57"), "structure": ("0.3", "0.41")}
    return [
        {**shared, "axis": axis, "first_order": a, "total": b, "method": "factorial"} for axis, (a, b) in shares.items()
    ]


def flip_row(setting: str, first: str, *choices: tuple[str, str], change: str = "another_first") -> dict[str, str]:
    """Row of specification_flips.csv."""
    chosen = [*choices, ("", "")][:2]
    words = {
        f"{key}_{k}": text
        for k, pair in enumerate(chosen, 1)
        for key, text in zip(("axis", "level"), pair, strict=True)
    }
    row = {"setting": setting, "change": change, "size": str(len(choices)), **words, "specification": "7"}
    return {**row, "declared_first": "x", "first": first, "not_named": "", "p_better": "0.61"}


COUNTS = [
    {"axes": "2", "product": "2000", "combinations": "2000", "invalid": "16", "duplicates": "750",
     "specifications": "1234", "sampled": "false", "engine": "exact"}
]  # fmt: skip


def threshold_row(setting: str, first: str, study: str, **changes: str) -> dict[str, str]:
    """Row of thresholds.csv without any threshold, or with those that are given."""
    row = {"setting": setting, "rule": "sucra", "study": study, "arm": "t against c", "effect": "-0.5", "se": "0.25"}
    ends = {f"{end}{key}": "" for end in ("lower", "upper") for key in ("", "_ratio", "_se", "_first")}
    rest = {"first": first, "inside_interval": "false", "inside_derivation": "false", "reason": "none within range"}
    return {**row, **ends, **rest, **changes}


def upper(value: str, distance: str, first: str, inside: str = "false") -> dict[str, str]:
    """Cells of a threshold above a figure."""
    return {"upper": value, "upper_se": distance, "upper_first": first, "inside_interval": inside, "reason": ""}


def overlap_row(setting: str, level: str, first: str, second: str, p_better: str) -> dict[str, str]:
    """Row of overlap.csv."""
    patients, correlation = {"none": ("0", "0.0"), "bound": ("22.0", "0.296")}[level]
    row = {"studies": "one two", "level": level, "patients": patients, "correlation": correlation, "setting": setting}
    row |= {"first": first, "runner_up": second, "p_better": p_better, "reason": "", "measure": "OR", "not_named": ""}
    row |= {"mean": "-0.6931", "lower": "-1.3863", "upper": "0.4055"}
    return {**row, "estimate": "0.5", "estimate_lower": "0.25", "estimate_upper": "1.5"}


def fan_rows(setting: str, first: str, second: str, sign: int = -1) -> list[dict[str, str]]:
    """Rows of bias_fan.csv: the effect moves with the bias."""
    return [
        {"scheme": scheme, "bias_mean": repr(mean), "bias_sd": repr(sd), "setting": setting, "declared_first": first,
         "instead_of": "", "first": first if mean < 1 else second, "candidate_p_best": "0.61", "not_named": "",
         "declared_runner_up": second, "declared_mean": repr(sign * (0.5 - mean)),
         "declared_lower": repr(sign * (0.5 - mean) - 0.7 - sd), "declared_upper": repr(sign * (0.5 - mean) + 0.7 + sd)}
        for scheme in ("newer", "a_scheme_without_a_label")
        for sd in (0.0, 0.2)
        for mean in (-0.5, 0.0, 0.5, 1.0)
    ]  # fmt: skip


def tipping_row(
    setting: str, first: str, new_first: str, tipping: str = "", factor: str = "", **more: str
) -> dict[str, str]:
    """Row of bias_tipping.csv."""
    row = {"scheme": "newer", "bias_sd": "0.0", "setting": setting, "rule": "sucra", "first": first, "same_as": ""}
    row |= {"instead_of": "", "error": "0.0"}
    cells = {"tipping": tipping, "tipping_factor": factor, "new_first": new_first}
    return {**row, **cells, "reason": "" if tipping else "structural: an effect takes it up", **more}


def held_row(study: str, z: str = "", p_value: str = "") -> dict[str, str]:
    """Row of held_out.csv."""
    row = {"study": study, "kind": "effect", "treatment_arm": "t", "comparator_arm": "c", "z": z, "p_value": p_value}
    return {**row, "source": "Table 2", "printed_natural": "0.8", "predicted_natural": "0.4", "predicted_lower": "0.2",
            "predicted_upper": "0.75"}  # fmt: skip


def next_study_row(setting: str, first: str, second: str) -> dict[str, str]:
    """Row of next_study.csv: the best trial of its size."""
    row = {"setting": setting, "treatment": first, "comparator": second, "size": "150", "size_unit": "events"}
    row |= {"first": first, "runner_up": second, "unit": "log OR", "expected_loss_now": "0.05", "loss_avoided": "0.03"}
    row |= {"loss_left": "0.02", "expected_loss_now_ratio": "", "p_change": "0.24", "p_decisive": "0.62"}
    return {**row, "decisive": "0.95", "best": "true", "reason": ""}


def doubt_of(places: dict[str, tuple[str, str]], **changes: Any) -> Doubt:
    """Make all tables of a network whose highest and next candidates are given by setting."""
    tables: dict[str, list[dict[str, str]]] = {name.removesuffix(".csv"): [] for name in FACTS.tables[1:]}
    for setting, (first, second) in places.items():
        tables["specification_levels"] += level_rows(setting, first, second)
        tables["specification_shares"] += share_rows(setting, first, second)
        tables["specification_flips"].append(flip_row(setting, second, ("one", "b"), ("structure", "regimen_level")))
        tables["thresholds"] += [
            threshold_row(setting, first, "one", **upper("0.2", "2.8", second)),
            threshold_row(setting, first, "two"),
        ]
        joint = {"setting": setting, "rule": "sucra", "first": first, "radius": "2.54", "study": "one", "reason": ""}
        tables["thresholds_joint"].append(joint)
        tables["overlap"] += [
            overlap_row(setting, "none", first, second, "0.944"), overlap_row(setting, "bound", first, second, "0.951")
        ]  # fmt: skip
        tables["next_study"].append(next_study_row(setting, first, second))
        tables["bias_fan"] += fan_rows(setting, first, second)
        tables["bias_tipping"].append(tipping_row(setting, first, second, "0.9", "0.4066"))
    tables["specification_counts"] = COUNTS
    tables["specification_steps"] = step_rows(places)
    tables["held_out"] = [
        held_row("one", "2.5"),
        held_row("two", "-1.75", "0.08"),
        held_row("two", "0.2"),
        held_row("one"),
    ]
    return Doubt(FACTS, {**tables, **changes})


SPECIFICATION = ["specification", "declared", "weight", "axis_one", "axis_structure", "setting"]
COMBINATIONS = [(a, b) for a in AXES["one"] for b in AXES["structure"]]
DECIDED = {"placed": "3", "named": "true", "not_named": "", "p_best": "0.58"}
"""What every specification says beside its effect and its two first candidates."""
SPECIFICATION += ["lead_effect", "lead_lower", "lead_upper", "first", "runner_up", *DECIDED]


def step_rows(places: dict[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Rows of specification_steps.csv: of the specifications that are written, those with at most one other choice."""
    rows = []
    for k, axis in ((0, ""), (1, "structure"), (2, "one"), (4, "one")):
        chosen = dict(zip(("axis_one", "axis_structure"), COMBINATIONS[k], strict=True))
        effect = 0.1 * k - 1
        ends = {"lead_effect": repr(effect), "lead_lower": repr(effect - 1), "lead_upper": repr(effect + 0.5)}
        start = {
            "axis": axis,
            "specification": str(k + 1),
            "declared": "false" if axis else "true",
            "weight": "0.1",
            **chosen,
        }
        rows += [
            {**start, "setting": setting, **ends, "first": first, "runner_up": second, **DECIDED}
            for setting, (first, second) in places.items()
        ]
    return rows


def write_specifications(
    file: Path, places: dict[str, tuple[str, str]], effects: list[float | None], weights: Any = None
) -> None:
    """Write specifications.csv.gz with these effects; the first is declared."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(file, "wt", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(SPECIFICATION)
        for k, effect in enumerate(effects):
            ends = ["", "", ""] if effect is None else [repr(effect), repr(effect - 1), repr(effect + 0.5)]
            weight = repr((weights or [1 / len(effects)] * len(effects))[k])
            for setting, pair in places.items():
                start = [str(k + 1), "true" if k == 0 else "false", weight, *COMBINATIONS[k % len(COMBINATIONS)]]
                writer.writerow([*start, setting, *ends, *pair, *DECIDED.values()])


def write_doubt(folder: Path, doubt: Doubt, places: dict[str, tuple[str, str]]) -> None:
    """Write all tables of an outcome into its folder."""
    for name, rows in doubt.tables.items():
        write_rows(folder / "doubt" / f"{name}.csv", rows)
    write_specifications(folder / "doubt" / "specifications.csv.gz", places, [0.1 * k - 1 for k in range(18)])


def pair_of_network(network: Network) -> dict[str, tuple[str, str]]:
    """Highest and next treatment of a network, by setting."""
    first, second, *_ = network.order
    return dict.fromkeys(("overall", *network.settings), (first, second))
