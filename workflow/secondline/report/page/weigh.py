"""The section of the page in which its reader weighs the evidence: models, words, script."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from secondline.layout import PAGE_MODELS
from secondline.report.page.bundle import bundle
from secondline.report.prose.first import CRITERIA, NO_CANDIDATES, NOBODY, SHAPES
from secondline.report.settings import ModelFacts, ReportSettings
from secondline.report.words import EVIDENCE_WORDS, NOT_RANKED, Names, Row, listed, percentage
from secondline.tables import read_table

SCRIPT, ENTRY = Path(__file__).with_name("script"), "panel/main.js"
COUNTED = "the page cannot recompute outcomes that count patients"


def weigh_section(analysis: Path, settings: ReportSettings, names: Names) -> dict[str, Any] | None:
    """Gather what the section is made of; None where no outcome of the analysis can be solved in the page.

    Parameters
    ----------
    analysis : path
        results/<analysis>

    Returns
    -------
    dict or None
        ``models``: page_models.json, by outcome; ``closed``: a sentence about every outcome that has none; ``words``:
        labels, priors and choices, for the script; ``script``.
    """
    if not settings.weigh:
        return None
    read = {
        name: json.loads((analysis / name / PAGE_MODELS).read_text(encoding="utf-8")) for name in settings.weigh.solved
    }
    why = {name: read[name]["reason"] for name in read if "reason" in read[name]}
    models = {name: data for name, data in read.items() if name not in why}
    why |= {name: COUNTED for name in settings.outcomes if name not in read}
    why |= {
        name: f"the model “{names.model}” {models[name]['withheld'][names.model]}"
        for name in models
        if names.model not in models[name]["models"]
    }
    models = {name: data for name, data in models.items() if name not in why}
    if not models:
        return None
    closed = [
        _closed([name for name in why if why[name] == reason], reason, names) for reason in dict.fromkeys(why.values())
    ]
    words = panel_words(settings, list(models), names)
    for name, own in words["outcomes"].items():
        own["ranks"] = rank_intervals(read_table(analysis / name / names.model / "ranking.csv"))
    return {"models": models, "closed": closed, "words": words, "script": bundle(SCRIPT, ENTRY)}


def _closed(outcomes: Sequence[str], reason: str, names: Names) -> str:
    """Say of outcomes that the section is closed for them, and why."""
    return f"Not to be weighed here: {listed(names.label_of_outcome(name) for name in outcomes)}, as {reason}."


def panel_words(settings: ReportSettings, outcomes: Sequence[str], names: Names) -> dict[str, Any]:
    """Labels and facts that the script reads."""
    facts, labels = settings.methods, settings.labels
    weigh = settings.weigh
    assert weigh is not None
    return {
        "analysis": settings.analysis,
        "headline": names.model,
        "outcomes": {name: _outcome(settings, replace(names, outcome=name)) for name in outcomes},
        "regimens": dict(labels.regimens),
        "settings": dict(labels.settings),
        "studies": dict(labels.studies),
        "slugs": slugs(labels.studies),
        "abbreviations": dict(labels.abbreviations),
        "shapes": SHAPES,
        "secondary": list(facts.quoted),
        "choices": json.loads(weigh.choices),
        "models": {name: model_words(model) for name, model in facts.models.items()},
        "evidence": EVIDENCE_WORDS,
        "criteria": CRITERIA,
        "nobody": NOBODY,
        "noCandidates": NO_CANDIDATES,
        "notRanked": NOT_RANKED,
    }


def _outcome(settings: ReportSettings, names: Names) -> dict[str, Any]:
    """Words of an outcome, and its prior scales as the configuration has them."""
    prior = settings.methods.prior_of(settings.analysis, names.outcome)
    given = settings.methods.priors[prior]
    scales = {name: getattr(given, name) for name in vars(given)}
    scales |= {name: scales[name].page_scale for name in ("tau", "omega")}
    if scales["slope"] == scales["effect"]:
        del scales["slope"]
    return {
        "label": names.outcome_label,
        "measure": names.measure,
        "words": names.effects.words,
        "ratio": names.is_ratio,
        "lower": names.lower_is_better,
        "margin": names.effects.additive(settings.methods.outcomes[names.outcome].margin),
        "prior": prior,
        "priors": scales,
        "direct": _direct(names),
    }


def rank_intervals(ranking: Sequence[Row]) -> dict[str, dict[str, list[int]]]:
    """Read the 95% limits of the ranks among the candidates, by setting and treatment; nothing without a rank."""
    found: dict[str, dict[str, list[int]]] = {}
    for row in ranking:
        limits = [row["candidate_rank_lower"], row["candidate_rank_upper"]]
        if all(limits):
            found.setdefault(row["setting"], {})[row["treatment"]] = [int(text) for text in limits]
    return found


def _direct(names: Names) -> dict[str, dict[str, dict[str, str]]]:
    """Shares of direct evidence in words, by setting, treatment and comparator."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (outcome, model, setting, treatment, comparator), share in names.direct.items():
        if (outcome, model) == (names.outcome, names.model):
            found.setdefault(setting, {}).setdefault(treatment, {})[comparator] = percentage(share)
    return found


def slugs(studies: Mapping[str, str]) -> dict[str, str]:
    """Name studies in addresses: “Müller 2022” is muller-2022; where this is not its alone, a study has its id.

    Parameters
    ----------
    studies : mapping
        Names by id.
    """
    plain = {study: _slug(name) for study, name in studies.items()}
    often = Counter([*plain.values(), *studies])
    return {study: slug if slug and often[slug] == 1 else study for study, slug in plain.items()}


def _slug(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def model_words(model: ModelFacts) -> str:
    """Say in a few words how the effects of a model vary."""
    varying = [
        f"between studies{', unequally' * bool(model.unequal)}" if model.heterogeneity else "",
        "between settings" if model.settings else "",
        f"within classes{', in each by its own standard deviation' * model.own_class_sds}" if model.classes else "",
    ]
    found = [place for place in varying if place]
    return f"effects vary {' and '.join(found)}" if found else "one effect in all studies"
