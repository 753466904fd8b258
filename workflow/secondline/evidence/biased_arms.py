"""The arms that a scheme of bias flatters, and the studies that have it, as the configuration and the sheets say."""

from typing import Any

from secondline.project.bias import BiasScheme
from secondline.project.config import Project


def biased_arms(project: Project, scheme: BiasScheme, outcome: str) -> dict[str, Any]:
    """Resolve a scheme for one outcome: the parameters of `secondline.network.biased_contrasts.Flattered`."""
    better = 1.0 if project.config.outcomes[outcome].better == "higher" else -1.0
    asked, parts = scheme.contrasts, project.treatments.structure["regimens"]
    found: dict[str, Any] = {
        "direction": better if scheme.toward == "newer" else -better,
        "reference": project.treatments.reference,
    }
    if asked.component:
        found["treatments"] = tuple(name for name, components in parts.items() if asked.component in components)
    if asked.more_components:
        found["sizes"] = {name: len(components) for name, components in parts.items()}
    if asked.study:
        found["studies"] = (asked.study,)
    if asked.design:
        found["studies"] = tuple(name for name, sheet in project.sheets.items() if sheet.design == asked.design)
    return found


def bias_asked(project: Project, analysis: str, outcome: str) -> tuple[dict[str, Any], float, float] | None:
    """Give what `biased_arms` gives, the mean and the standard deviation of the bias of an analysis, if it has one."""
    asked = project.config.analyses[analysis].bias
    if asked is None or project.config.bias is None:
        return None
    return biased_arms(project, project.config.bias.schemes[asked.scheme], outcome), asked.mean, asked.sd
