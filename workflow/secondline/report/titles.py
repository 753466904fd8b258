"""What reports and documents are called: by the question or the title of the configuration, or by the analysis."""

from secondline.report.settings import ReportSettings
from secondline.report.words import Names


def heading(settings: ReportSettings, names: Names) -> str:
    """Heading of the page: the question that it answers, or else the title of the project."""
    return settings.question or settings.title or f"Network meta-analysis: {names.analysis_label}"


def subject(settings: ReportSettings, names: Names) -> str:
    """Name what a document is about in a few words, with the analysis where it is not the one that others vary."""
    about = settings.title or settings.question
    variant = analysis_under(settings, names)
    return ", ".join(filter(None, [about, variant])) or names.analysis_label


def analysis_under(settings: ReportSettings, names: Names) -> str:
    """Label of the analysis as it follows a title: nothing for the one that the others vary, nor without a title."""
    titled = settings.question or settings.title
    return names.analysis_label if titled and settings.compared_in is not None else ""
