"""States of the page that repeat other analyses of a run, as fragments of its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from secondline.cells import left_out_name, left_out_study
from secondline.report.prose.robustness import STUDY, Variation
from secondline.report.words import Names


@dataclass(frozen=True, kw_only=True)
class Links:
    """What the page needs to repeat a variation: what it solves of the outcome, and what analyses choose."""

    models: Mapping[str, Any]
    analyses: Mapping[str, Mapping[str, Any]]
    slugs: Mapping[str, str]

    def address(self, variation: Variation, setting: str, against: str, names: Names) -> str:
        """Write the fragment of a variation in a setting, compared with ``against``; empty where none is the same."""
        analysis, model = variation.rows[0]["analysis"], variation.rows[0]["model"]
        if model not in self.models.get("models", {}) or setting not in self._asked():
            return ""
        if analysis == names.analysis:
            changes: list[tuple[str, str]] | None = []
        elif variation.kind == STUDY:
            study = left_out_study(analysis, names.analysis)
            changes = [("out", self._slug(study))] if analysis == left_out_name(names.analysis, study) else None
        else:
            changes = self._changes(self.analyses.get(analysis), self.analyses.get(names.analysis))
        return "" if changes is None else self._fragment(changes, model, setting, against, names)

    def choice(self, study: str, level: str, setting: str, against: str, names: Names) -> str:
        """Write the fragment of another reading of a study, by its label, or without the study where that is empty."""
        if names.model not in self.models.get("models", {}) or setting not in self._asked():
            return ""
        readings = self._readings(study)
        known = [one for one in readings if one["label"] == level and not one["declared"]]
        if (level and len(known) != 1) or not any(one["declared"] for one in readings):
            return ""
        change = ("read", f"{self._slug(study)}~{level}") if level else ("out", self._slug(study))
        return self._fragment([change], names.model, setting, against, names)

    def _fragment(
        self, changes: Sequence[tuple[str, str]], model: str, setting: str, against: str, names: Names
    ) -> str:
        own = [] if model == names.model else [("model", model)]
        asked = [("outcome", names.outcome), ("setting", setting), *own, ("against", against)]
        return "weigh?" + urlencode([*asked, *changes])

    def _asked(self) -> Sequence[str]:
        settings: list[str] = self.models["settings"]
        return settings[1:] if len(settings) > 1 else settings

    def _slug(self, study: str) -> str:
        return self.slugs.get(study, study)

    def _changes(self, other: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> list[tuple[str, str]] | None:
        """List what an analysis leaves out and reads otherwise than the declared one; None for any other difference."""
        if other is None or own is None:
            return None
        kinds = ("exclude", "select")
        rest = [{key: value for key, value in each.items() if key not in kinds} for each in (other, own)]
        out, kept = other.get("exclude", {}), own.get("exclude", {})
        if rest[0] != rest[1] or set(kept) - set(out):
            return None
        changes = [("out", self._slug(study)) for study in out if study not in kept and self._readings(study)]
        asked, declared = other.get("select", {}), own.get("select", {})
        for study in dict.fromkeys([*asked, *declared]):
            if asked.get(study) != declared.get(study) and study not in out and self._readings(study):
                label = self._label(study, asked.get(study))
                if label is None:
                    return None
                changes.append(("read", f"{self._slug(study)}~{label}"))
        return changes

    def _readings(self, study: str) -> list[Mapping[str, Any]]:
        return next((each["readings"] for each in self.models["studies"] if each["study"] == study), [])

    def _label(self, study: str, select: Any) -> str | None:
        """Label of the one reading that fits a selection, with its place among those of its label; None without."""
        readings = self._readings(study)
        asked = (select or {}).items()
        fits = [one for one in readings if one["select"] and asked <= one["select"].items()]
        if len(fits) != 1:
            return None
        (found,) = fits
        alike = [one for one in readings if one["label"] == found["label"]]
        return f"{found['label']} ({alike.index(found) + 1})" if len(alike) > 1 else str(found["label"])
