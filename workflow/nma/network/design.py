"""Design matrices: from an evidence table to the linear predictors of the models.

A regimen is a sum of components, an arm a mixture of regimens, a study a mixture of settings. A plain network, one
regimen per arm and one component per treatment, is the special case in which all these matrices hold zeros and ones.

Coefficients are stacked as (beta, delta): P component effects, then the P departures of every setting in turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Structure:
    """What the treatments are made of: everything of config/treatments.yaml but the labels."""

    components: tuple[str, ...]
    regimens: tuple[str, ...]
    settings: tuple[str, ...]
    matrix: Floats
    """(regimens, components): 1 where a regimen holds a component."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Structure":
        """Build the structure from the resolved settings of a job."""
        components, regimens = tuple(settings["components"]), settings["regimens"]
        matrix = np.array([[float(c in parts) for c in components] for parts in regimens.values()])
        shape = (len(regimens), len(components))
        return cls(components, tuple(regimens), tuple(settings["settings"]), matrix.reshape(shape))

    @property
    def n_coefficients(self) -> int:
        """Number of stacked coefficients, P (1 + settings)."""
        return len(self.components) * (1 + len(self.settings))

    def effect_rows(self) -> Floats:
        """Rows that give the effect of every regimen against the reference, in every setting.

        Returns
        -------
        array, (1 + settings, regimens, coefficients)
            The first block is ``overall`` (delta = 0).
        """
        blocks = np.vstack([np.zeros(len(self.settings)), np.eye(len(self.settings))])
        return np.stack([expand(self.matrix, np.tile(block, (len(self.regimens), 1))) for block in blocks])


def expand(rows: Floats, setting_weights: Floats) -> Floats:
    """Expand component rows (N, P) by setting weights (N, S) to coefficient rows (N, P + S P)."""
    delta = setting_weights[:, :, None] * rows[:, None, :]
    return np.hstack([rows, delta.reshape(len(rows), -1)])


def parse_mix(cell: str) -> dict[str, int]:
    """Read a cell such as ``lenvatinib:34 regorafenib:3``."""
    return {name: int(n) for name, n in (part.split(":") for part in cell.split())}


def weights(cell: str, names: Sequence[str]) -> Floats:
    """Shares of a mixture in the order of ``names``; they sum to 1."""
    parts = parse_mix(cell)
    counts = np.array([parts.get(name, 0) for name in names], float)
    return np.asarray(counts / max(counts.sum(), 1.0))


@dataclass(frozen=True)
class ContrastData:
    """Contrasts with a known covariance: y ~ N(rows b, S + tau^2 R), block diagonal by study.

    ``R`` has 1 on the diagonal and 1/2 off it within a study (Higgins & Whitehead 1996). Both blocks of a study are
    diagonalised together, T S T' = I and T R T' = diag(lambda), so that the whitened contrasts are independent with
    variances 1 + tau^2 lambda.
    """

    studies: tuple[str, ...]
    study: NDArray[np.int64]
    y: Floats
    rows: Floats
    scales: Floats
    """lambda, (N,)"""
    log_det: Floats
    """log |T| of every study, (studies,): what whitening adds to the log likelihood."""

    @property
    def data_points(self) -> int:
        """Number of contrasts."""
        return len(self.y)


def contrast_data(evidence: Sequence[Mapping[str, str]], structure: Structure) -> ContrastData:
    """Assemble and whiten the used rows of a contrast evidence table."""
    used = [row for row in evidence if row["used"] == "true"]
    studies = tuple(dict.fromkeys(row["study"] for row in used))
    index, ys, rows, scales, log_det = [], [], [], [], []
    for i, study in enumerate(studies):
        members = [row for row in used if row["study"] == study]
        y = np.array([float(row["log_effect"]) for row in members])
        x = np.array([_contrast_row(row, structure) for row in members])
        whitener, scale = whiten(_covariance(members))
        index += [i] * len(members)
        ys.append(whitener @ y)
        rows.append(whitener @ x)
        scales.append(scale)
        log_det.append(np.linalg.slogdet(whitener)[1])
    return ContrastData(
        studies,
        np.array(index, dtype=np.int64),
        np.concatenate(ys) if ys else np.zeros(0),
        np.vstack(rows) if rows else np.zeros((0, structure.n_coefficients)),
        np.concatenate(scales) if scales else np.zeros(0),
        np.array(log_det),
    )


def _contrast_row(row: Mapping[str, str], structure: Structure) -> Floats:
    difference = weights(row["treatment_mix"], structure.regimens) - weights(row["comparator_mix"], structure.regimens)
    component_row = difference @ structure.matrix
    return np.asarray(expand(component_row[None, :], weights(row["setting_mix"], structure.settings)[None, :])[0])


def _covariance(members: Sequence[Mapping[str, str]]) -> Floats:
    """Assemble the covariance of a study's contrasts, with the shared comparator's variance off the diagonal."""
    variances = np.array([float(row["se"]) for row in members]) ** 2
    if len(members) == 1:
        return variances[:, None]
    shared = np.array([float(row["baseline_se"]) for row in members]) ** 2
    covariance = np.tile(shared.mean(), (len(members), len(members)))
    np.fill_diagonal(covariance, variances)
    return covariance


def whiten(covariance: Floats) -> tuple[Floats, Floats]:
    """Diagonalise a study's covariance S and its heterogeneity pattern R = (I + 11')/2 together.

    Returns
    -------
    whitener : array, (n, n)
        T with T S T' = I.
    scales : array, (n,)
        lambda with T R T' = diag(lambda).
    """
    n = len(covariance)
    inverse = np.linalg.inv(np.linalg.cholesky(covariance))
    scales, vectors = np.linalg.eigh(inverse @ (np.eye(n) + 1) @ inverse.T / 2)
    return vectors.T @ inverse, scales


@dataclass(frozen=True)
class ArmData:
    """Counts by arm; ``rows`` are centred within each study, so that its baseline is its mean logit."""

    studies: tuple[str, ...]
    start: NDArray[np.int64]
    """First arm of every study, and the number of arms: (studies + 1,)"""
    events: Floats
    n: Floats
    rows: Floats

    @property
    def data_points(self) -> int:
        """Number of arms."""
        return len(self.events)


def arm_data(evidence: Sequence[Mapping[str, str]], structure: Structure) -> ArmData:
    """Assemble the used rows of a count evidence table."""
    used = [row for row in evidence if row["used"] == "true"]
    studies = tuple(dict.fromkeys(row["study"] for row in used))
    start, rows, events, n = [0], [np.zeros((0, structure.n_coefficients))], [], []
    for study in studies:
        members = [row for row in used if row["study"] == study]
        component_rows = np.array([weights(row["arm_mix"], structure.regimens) for row in members]) @ structure.matrix
        centred = component_rows - component_rows.mean(axis=0)
        rows.append(expand(centred, np.array([weights(row["setting_mix"], structure.settings) for row in members])))
        events += [float(row["events"]) for row in members]
        n += [float(row["n"]) for row in members]
        start.append(start[-1] + len(members))
    return ArmData(studies, np.array(start, dtype=np.int64), np.array(events), np.array(n), np.vstack(rows))
