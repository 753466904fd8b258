"""A project, read from its files and checked as a whole."""

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from secondline.errors import Mistakes
from secondline.project.characteristics import Characteristics
from secondline.project.config import Config, Project
from secondline.project.cross_checks import (
    check_analyses,
    check_bias,
    check_certainty,
    check_characteristics,
    check_cutoffs,
    check_models,
    check_outcomes,
    check_overlaps,
    check_pico,
    check_quotation,
    check_specifications,
    check_vocabulary,
)
from secondline.project.documents import Document, read_yaml, validate
from secondline.project.evidence_tables import TableStudy, read_table
from secondline.project.sheet_files import read_sheets
from secondline.project.sheets import StudySheet
from secondline.project.table_columns import TableFile
from secondline.project.table_lines import Vocabulary
from secondline.project.table_treatments import is_of_tables, read_of_tables
from secondline.project.treatments import Treatments


def read_setup(file: Path | Document) -> tuple[Document, Config, Treatments]:
    """Read and cross-check the configuration and the treatments, without any study.

    Where the tables of evidence declare the treatments, these are read, too, and translate their names.

    Parameters
    ----------
    file : path or Document
        The configuration, or what was read of it.

    Raises
    ------
    UserError
        The first mistake found, in one line.
    """
    document = file if isinstance(file, Document) else read_yaml(file)
    config = validate(Config, document)
    if is_of_tables(config.treatments):
        treatments, tables = read_of_tables(config.evidence, document)
        config = config.model_copy(update={"evidence": tables})
    else:
        treatments = _part("treatments", Treatments, document)
    check_outcomes(config, treatments, document)
    check_models(config, treatments, document)
    check_pico(config, treatments, document)
    return document, config, treatments


def read_project(file: Path | Document, check_sheet: Callable[[StudySheet], None] = lambda _: None) -> Project:
    """Read and cross-check the configuration, the treatments, every study sheet and every table.

    Parameters
    ----------
    file : path or Document
        The configuration, or what was read of it.
    check_sheet : callable
        A further check of every sheet, for what cannot be known without deriving the evidence, such as
        `secondline.evidence.reconstruction.check_curves`; it raises a `UserError`.

    Raises
    ------
    UserError
        The mistake found, or the first of every sheet and table that has one, in one line each.
    """
    document, config, treatments = read_setup(file)
    mistakes = Mistakes()
    characteristics = (
        _part("characteristics", Characteristics, document) if config.characteristics else Characteristics()
    )
    sheets: dict[str, StudySheet] = {}
    if config.studies is not None:
        folder = Path(config.studies)
        if not folder.is_dir():
            raise document.error(("studies",), config.studies, "no such folder")
        sheets = read_sheets(folder)
        for sheet in sheets.values():
            with mistakes.noted():
                check_vocabulary(sheet, treatments, config)
                check_characteristics(sheet, characteristics)
                check_quotation(sheet, sheets)
                check_sheet(sheet)
    tables, files = _tables(config, treatments, document, mistakes)
    mistakes.tell()
    project = Project(
        config=config,
        treatments=treatments,
        characteristics=characteristics,
        sheets=sheets,
        tables=tables,
        files=files,
    )
    project._document = document
    check_analyses(project, document)
    check_overlaps(project, document)
    check_specifications(project, document)
    check_bias(project, document)
    check_cutoffs(project, document)
    check_certainty(project, document)
    return project


def _part[M: BaseModel](key: str, model: type[M], document: Document) -> M:
    """Read a part of the configuration from the file it names, or from the configuration itself."""
    value = document.data[key]
    if not isinstance(value, str):
        return validate(model, document.section(key))
    if not Path(value).is_file():
        raise document.error((key,), value, "no such file")
    return validate(model, read_yaml(Path(value)))


def _tables(
    config: Config, treatments: Treatments, document: Document, mistakes: Mistakes
) -> tuple[tuple[TableStudy, ...], tuple[TableFile, ...]]:
    """Read every table, check that no study gives one outcome twice, and say what every file was taken for."""
    vocabulary = Vocabulary(
        regimens=list(treatments.regimens),
        settings=list(treatments.settings),
        covariates=config.covariates,
        levels=config.levels,
        by_arm=config.covariates_by_arm,
        likelihoods={name: outcome.likelihood for name, outcome in config.outcomes.items()},
        categories={name: o.categories for name, o in config.outcomes.items() if o.is_ordered},
        measures={name: outcome.measure for name, outcome in config.outcomes.items()},
    )
    found: dict[tuple[str, str], TableStudy] = {}
    files: list[TableFile] = []
    for i, table in enumerate(config.evidence):
        section = document.section("evidence").section(i)
        with mistakes.noted():
            studies, file = read_table(table, vocabulary, section.error)
            files.append(file)
            for study in studies:
                key = (study.outcome, study.study)
                if key in found:
                    there = f"{found[key].file}:{found[key].line}"
                    raise study.error(f"this study gives {study.outcome} already, in {there}; allowed: one source")
                found[key] = study
    return tuple(found.values()), tuple(files)
