"""The resolved settings of the list of decisive facts."""

from collections.abc import Mapping

from secondline.certainty.decisive_settings import AxisSettings, DecisiveSettings
from secondline.evidence.options import axes_of
from secondline.jobs.doubt_facts import doubt_tables
from secondline.project.config import Project
from secondline.report.settings import DecisiveWords, DoubtFacts


def decisive_settings(project: Project, facts: Mapping[str, DoubtFacts]) -> DecisiveSettings:
    """Resolve what is listed of the analysis that the others vary.

    Parameters
    ----------
    facts : mapping
        Of that analysis, by outcome; from `secondline.jobs.doubt_facts.doubt_facts`.
    """
    config = project.config
    kinds = axes_of(project)
    axes = {
        outcome: {
            name: AxisSettings(
                label=label,
                of=kinds[name].of,
                study=(kinds[name].study or name) if kinds[name].of == "study" else "",
            )
            for name, label in found.axes.items()
        }
        for outcome, found in facts.items()
    }
    declared = project.characteristics.characteristics
    return DecisiveSettings(
        analysis=config.base,
        headline=config.headline,
        ratios={name: config.outcomes[name].is_ratio for name in config.outcomes_of(config.base)},
        tables={name: tuple(doubt_tables(project, config.base, name)) for name in config.outcomes_of(config.base)},
        axes=axes,
        prognostic={name: given.label for name, given in declared.items() if given.prognostic},
        overlap=config.analyses[config.base].overlap,
    )


def decisive_words(project: Project, facts: Mapping[str, DoubtFacts]) -> DecisiveWords:
    """Resolve what the sentences of the list need beside labels and tables; ``facts`` as in `decisive_settings`."""
    declared = project.characteristics.characteristics
    prognostic = {name: given for name, given in declared.items() if given.prognostic}
    return DecisiveWords(
        doubt=dict(facts),
        prognostic={name: given.label for name, given in prognostic.items()},
        proportions=tuple(name for name, given in prognostic.items() if given.kind == "binary"),
    )
