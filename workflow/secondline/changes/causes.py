"""What caused a change: figures of the evidence with their lines, keys of the configuration, the code, the packages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from secondline.changes.manifest import FitRecord, Manifest, Setup
from secondline.changes.statements import Row, grouped
from secondline.tables import read_table

KEYS: Mapping[str, tuple[str, ...]] = {
    "likelihood": ("outcomes",),
    "treatments": ("treatments",),
    "models": ("models", "priors", "outcomes", "treatments", "analyses"),
    "sampler": ("sampler",),
    "seed": ("seed",),
    "overlaps": ("overlaps", "analyses"),
    "bias": ("bias", "analyses"),
}
"""Parts of the configuration from which a part of the settings of a fit is resolved."""
CHANCE = {"sampler", "seed"}
"""Parts of the settings that change no posterior, only the draws from it."""
_NAMES = ("study", "contrast_set", "treatment_arm", "comparator_arm", "arm", "population", "criterion")
_FIGURES = ("effect", "se", "baseline_se", "events", "n", "time", "mean", "categories", "covariances")
Key = tuple[str, ...]
_SOURCES = ("effects", "counts", "arm_data")


@dataclass(frozen=True)
class Cause:
    """Something that differs between what two runs of a fit were made from."""

    what: str
    before: str = ""
    after: str = ""
    place: str = ""
    """Line of the sheet, table or configuration, in the later run or, of what is gone, in the earlier one."""
    study: str = ""
    part: str = ""
    """Part of the settings of a fit that differs for this reason; empty for evidence, code and packages."""


def evidence_causes(before: Sequence[Row], after: Sequence[Row], places: "Places") -> Iterator[Cause]:
    """List the rows of two evidence tables that differ, figure by figure, with their lines.

    Parameters
    ----------
    before, after : rows of evidence.csv
        Of one fit.
    places : Places
        Where figures stand, in both runs.
    """
    old, new = grouped(before, "study"), grouped(after, "study")
    for key in dict.fromkeys([*old, *new]):
        (study,), one, other = key, old.get(key, []), new.get(key, [])
        if one == other:
            continue
        place = places.of((other or one)[0], later=bool(other))
        if not one or not other:
            yield Cause(f"{study}: {'no longer in the evidence' if one else 'new'}", place=place, study=study)
        elif _use(one) != _use(other):
            yield Cause(study, _use(one), _use(other), place, study)
        else:
            yield from _row_causes(_keyed(one), _keyed(other), places)


def _row_causes(old: Mapping[Key, Row], new: Mapping[Key, Row], places: "Places") -> Iterator[Cause]:
    """List the rows of one study that differ, figure by figure."""
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key), new.get(key)
        if one == other:
            continue
        present = other or one or {}
        study, what = present["study"], f"{present['study']}, {_arms(present)}"
        place = places.of(present, later=other is not None)
        if one is None or other is None:
            yield Cause(f"{what}: {'no longer in the evidence' if one else 'new'}", place=place, study=study)
            continue
        changed = [name for name in other if one.get(name) != other[name]]
        figures = [name for name in changed if name in _FIGURES]
        for name in figures or changed:
            yield Cause(f"{what}: {name}", one.get(name, ""), other[name], place, study)


def _keyed(rows: Iterable[Row]) -> dict[Key, Row]:
    """Find every row by its names; rows of one name are counted."""
    found: dict[Key, Row] = {}
    for row in rows:
        names = tuple(row.get(name, "") for name in _NAMES)
        repeat = sum(key[:-1] == names for key in found)
        found[*names, str(repeat)] = row
    return found


def _use(rows: Sequence[Row]) -> str:
    """Say whether any row of a study is used, or why none is."""
    return "used" if any(row["used"] == "true" for row in rows) else f"not used: {rows[0]['reason']}"


def _arms(row: Row) -> str:
    return row.get("arm") or " against ".join(filter(None, (row.get("treatment_arm"), row.get("comparator_arm"))))


Where = Mapping[tuple[str, str], str]
"""Line and place of a figure, by study and arm."""


@dataclass(frozen=True)
class Places:
    """Where the figures of one outcome stand in the sheets and tables of two runs."""

    before: Where
    after: Where

    def of(self, row: Row, *, later: bool = True) -> str:
        """Find the line and place of the figures of a row of evidence; of its study, where its arm is not there."""
        ordered = (self.after, self.before) if later else (self.before, self.after)
        arm = row.get("arm") or row.get("treatment_arm", "")
        for table in ordered:
            if (row["study"], arm) in table:
                return table[row["study"], arm]
        return next((place for table in ordered for (study, _), place in table.items() if study == row["study"]), "")


def where(rows: Iterable[Row], outcome: str) -> Where:
    """Find the places of the selected figures of an outcome in rows of effects.csv, counts.csv and arm_data.csv."""
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        if row["outcome"] == outcome and row["selected"] in (True, "true"):
            found.setdefault((row["study"], row.get("arm") or row["treatment_arm"]), row["source"])
    return found


def gathered(folder: Path) -> list[Row]:
    """Read the tables of evidence of a run that say where figures stand."""
    files = [folder / "evidence" / f"{name}.csv" for name in _SOURCES]
    return [row for file in files if file.is_file() for row in read_table(file)]


def settings_causes(before: Setup, after: Setup, one: FitRecord, other: FitRecord) -> Iterator[Cause]:
    """List the keys of the configuration behind the parts of a fit's settings that differ."""
    old, new = before.configuration, after.configuration
    said: set[str] = set()
    for part in sorted({*one.parts, *other.parts}):
        if one.parts.get(part) == other.parts.get(part):
            continue
        keys = [key for key in dict.fromkeys([*old, *new]) if key.split(".")[0] in KEYS.get(part, (part,))]
        changed = [key for key in keys if old.get(key, ("",))[0] != new.get(key, ("",))[0]]
        for key in changed:
            if key not in said:
                (was, gone), (now, place) = old.get(key, ("", "")), new.get(key, ("", ""))
                yield Cause(key, was or "not given", now or "not given", place or gone, part=part)
        if not changed:
            yield Cause(f"{part}, as resolved from evidence and configuration", part=part)
        said |= set(changed)


def code_causes(before: Manifest, after: Manifest, one: FitRecord, other: FitRecord) -> Iterator[Cause]:
    """Say whether the code behind a fit, or the packages, are other ones."""
    if one.code != other.code:
        commits = [manifest.setup.commit[:10] or "unknown" for manifest in (before, after)]
        yield Cause("the code behind the fit", *commits) if len(set(commits)) > 1 else Cause("the code behind the fit")
    name = f"{one.analysis}/{one.outcome}/{before.setup.headline}"
    was, now = before.versions.get(name, ""), after.versions.get(name, "")
    if was and now and was != now:
        yield Cause("the packages", was, now)
