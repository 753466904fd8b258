"""The network as springs: their energy is the quadratic form of the model, and they balance at the posterior mean."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from secondline.doubt.page_models import page_models
from secondline.inference import exact
from secondline.inference.task import FitTask
from secondline.network.overlap import Overlap

from tests.page_engine import bare_words, needs_node, node, random_network

pytestmark = needs_node
SEEDS = range(532, 544)
_MANY = [pytest.param(range(k, k + 25), marks=pytest.mark.slow) for k in range(600, 800, 25)]
_AT = [(0.0, 0.3), (0.15, 0.05), (0.8, 1.0)]  # tau and omega
_TOLERANCE = 1e-6

_IMPORTS = {
    "engine/network.js": "dense, fitOf, studiesOf",
    "engine/posterior.js": "solve",
    "engine/springs.js": "armRow, contrastsOf, energy, equilibrium, forces, springsOf",
}
_BALANCE = """
return asked.cases.map(({data, model, moved = {}, points}) => {
  const studies = studiesOf(data, {moved}), fit = fitOf(data, model, studies), posterior = solve(fit);
  const {components, weights, size} = posterior;
  const average = new Float64Array(size);
  let worst = 0;
  components.forEach((one, g) => {
    const at = equilibrium(springsOf(fit, one.tau, one.omega));
    const alone = new posterior.constructor(size, [one]).means();
    at.forEach((x, j) => { average[j] += weights[g] * x; worst = Math.max(worst, Math.abs(x - alone[j])); });
  });
  return {
    worst, average: [...average], means: [...posterior.means()], components: components.length,
    at: asked.at.map(([tau, omega]) => {
      const system = springsOf(fit, tau, omega), b = equilibrium(system);
      return {b: [...b], force: [...forces(system, b)], energies: points.map(x => energy(system, x)),
        forces: points.map(x => [...forces(system, x)])};
    }),
  };
});
"""


_HAND = """
return asked.map(({data, tau, omega}) => {
  const fit = fitOf(data, "m", data.studies.map(({study, readings: [reading]}) => ({study, reading})));
  const system = springsOf(fit, tau, omega);
  return {springs: system.springs, b: [...equilibrium(system)]};
});
"""


def network_of(y: list[float], covariance: list[list[float]], rows: list[list[float]], kinds: str) -> dict[str, Any]:
    """Lay out one study for the page: prior sds of effects are 1."""
    sparse = [[np.flatnonzero(row).tolist(), [x for x in row if x]] for row in rows]
    reading = {"y": y, "covariance": covariance, "rows": {"m": sparse}, "declared": True}
    model = {"coefficients": list(kinds), "kinds": [{"e": "effect", "o": "omega"}[k] for k in kinds]}
    scales = {"effect": 1.0, "tau": 1.0, "omega": 1.0}
    return {
        "models": {"m": {**model, "scales": scales}},
        "studies": [{"study": "s", "readings": [reading]}],
        "cross": [],
    }


@pytest.mark.parametrize(
    ("network", "tau", "omega", "b"),
    [
        # y = 1/2 with stiffness 1 / (0.01 + 0.09) = 10, and 1 to no effect: 10/11 of it
        (([0.5], [[0.01]], [[1.0]], "e"), 0.3, 0.0, [5 / 11]),
        # both halves of a mixed arm have 1/3, where (1 - b) / 2 = b each
        (([1.0], [[1.0]], [[0.5, 0.5]], "ee"), 0.0, 0.0, [1 / 3, 1 / 3]),
        # three arms, 1 and 0 against the first, covariance [[2, 1], [1, 2]] and, of tau = 1, [[1, 1/2], [1/2, 1]]
        (([1.0, 0.0], [[2.0, 1.0], [1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], "ee"), 0.0, 0.0, [3 / 8, -1 / 8]),
        (([1.0, 0.0], [[2.0, 1.0], [1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], "ee"), 1.0, 0.0, [48 / 165, -18 / 165]),
        # two springs of the prior in a row, sds 1 and 2, give 1/5 and 4/5 of what they are pulled out
        (([1.2], [[1.0]], [[1.0, 1.0]], "eo"), 0.0, 2.0, [0.2, 0.8]),
        # a departure that omega = 0 holds fast
        (([1.0], [[1.0]], [[1.0, 1.0]], "eo"), 0.0, 0.0, [0.5, 0.0]),
    ],
    ids=["one", "mixed arm", "three arms", "three arms and tau", "in a row", "held fast"],
)
def test_springs_computed_by_hand(network: tuple[Any, ...], tau: float, omega: float, b: list[float]) -> None:
    """Small systems whose balance takes a line of algebra."""
    (found,) = node(_IMPORTS, _HAND, [{"data": network_of(*network), "tau": tau, "omega": omega}])
    assert found["b"] == pytest.approx(b, abs=1e-12)


def test_a_study_of_one_contrast_is_one_spring_as_long_as_its_effect() -> None:
    """Natural length y, stiffness 1 / (se^2 + tau^2), between no effect and the point of its row."""
    (found,) = node(
        _IMPORTS, _HAND, [{"data": network_of([0.7], [[0.04]], [[0.25, 0.75]], "ee"), "tau": 0.3, "omega": 0}]
    )
    (spring,) = found["springs"]
    assert spring["length"] == pytest.approx(0.7)
    assert spring["stiffness"] == pytest.approx(1 / (0.04 + 0.09))
    assert (spring["at"], spring["by"]) == ([0, 1], pytest.approx([0.25, 0.75]))


def _dense(rows: list[Any], size: int) -> np.ndarray:
    table = np.zeros((len(rows), size))
    for row, (at, by) in zip(table, rows, strict=True):
        row[at] = by
    return table


def quadratic(data: dict[str, Any], model: str, tau: float, omega: float) -> tuple[np.ndarray, ...]:
    """Say y, A, the covariance of y given tau, and the prior sds, from the contrasts as they are read, not whitened."""
    own, size = data["models"][model], len(data["models"][model]["coefficients"])
    readings = {one["study"]: r for one in data["studies"] for r in one["readings"] if r["declared"]}
    y = np.concatenate([r["y"] for r in readings.values()])
    rows = np.vstack([_dense(r["rows"][model], size) for r in readings.values()])
    covariance = np.zeros((len(y), len(y)))
    places, start = {}, 0
    for name, reading in readings.items():
        n = len(reading["y"])
        places[name] = slice(start, start + n)
        varied = np.array(reading["covariance"]) + tau**2 * (np.eye(n) + 1) / 2
        covariance[places[name], places[name]] = varied
        start += n
    for cross in data["cross"]:
        a, b = (places[name] for name in cross["studies"])
        covariance[a, b] = cross["covariance"]
        covariance[b, a] = np.transpose(cross["covariance"])
    sds = np.array([omega if kind == "omega" else own["scales"][kind] for kind in own["kinds"]])
    return y, rows, covariance, sds


def _cases(seeds: range, overlap: bool = False) -> list[dict[str, Any]]:
    """Lay out every model of random networks, with points at which to compare energies."""
    found = []
    for seed in seeds:
        rows, fit, question = random_network(seed)
        if overlap:
            names = list(dict.fromkeys(row["study"] for row in rows))
            pairs = list(pairwise(names[:3]))
            fit = replace(fit, overlaps=tuple(Overlap(studies=pair, correlation=0.15) for pair in pairs))
        data = page_models(rows, [], fit, question)
        fits = FitTask.from_rows(rows, fit).fits
        for model, settings in data["models"].items():
            size = len(settings["coefficients"])
            points = np.random.default_rng(seed).normal(0, 0.7, (4, size)).tolist()
            mean = exact.posterior(fits[model].data, fits[model].scales).mixture(np.eye(size)).summary()[0]
            found.append({"seed": seed, "data": data, "model": model, "points": points, "mean": mean})
    return found


def _solved(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let the springs of every case balance."""
    asked = [{key: case[key] for key in ("data", "model", "points")} for case in cases]
    return list(node(_IMPORTS, _BALANCE, {"cases": asked, "at": _AT}))


def _hold(case: dict[str, Any], found: dict[str, Any]) -> None:
    """Hold the springs of one model to its quadratic form, to its conditional means and to the posterior mean."""
    where = f"network {case['seed']}, {case['model']}"
    for (tau, omega), there in zip(_AT, found["at"], strict=True):
        y, rows, covariance, sds = quadratic(case["data"], case["model"], tau, omega)
        scaled, weighted = rows * sds, np.linalg.solve(covariance, rows * sds)
        mean = sds * np.linalg.solve(scaled.T @ weighted + np.eye(len(sds)), weighted.T @ y)
        np.testing.assert_allclose(there["b"], mean, rtol=0, atol=_TOLERANCE, err_msg=where)
        stiffest = max(1.0, np.abs(rows.T @ np.linalg.solve(covariance, rows)).max())
        assert np.abs(there["force"]).max() < 1e-8 * stiffest, where
        for b, here, force in zip(case["points"], there["energies"], there["forces"], strict=True):
            left = y - rows @ b
            expected = (left @ np.linalg.solve(covariance, left) + ((b / sds) ** 2).sum()) / 2
            assert here == pytest.approx(expected, rel=1e-9), where
            slope = rows.T @ np.linalg.solve(covariance, left) - b / sds**2
            np.testing.assert_allclose(force, slope, rtol=1e-7, atol=1e-7 * stiffest, err_msg=where)
    assert found["worst"] < _TOLERANCE, where
    np.testing.assert_allclose(found["average"], found["means"], rtol=0, atol=_TOLERANCE, err_msg=where)
    np.testing.assert_allclose(found["average"], case["mean"], rtol=0, atol=_TOLERANCE, err_msg=where)


@pytest.mark.parametrize("seeds", [SEEDS, *_MANY])
def test_springs_balance_at_the_posterior_mean(seeds: range) -> None:
    """Random networks, with mixed arms and studies of several: at a tau, at every point of the grid, and on average."""
    cases = _cases(seeds)
    assert {case["model"] for case in cases} == {"pooled", "fixed", "setting"}
    for case, found in zip(cases, _solved(cases), strict=True):
        _hold(case, found)


def test_studies_that_share_patients_pull_together() -> None:
    """Their springs are those of all their contrasts, decorrelated."""
    cases = _cases(SEEDS[:4], overlap=True)
    assert sum(len(case["data"]["cross"]) for case in cases) > 4
    for case, found in zip(cases, _solved(cases), strict=True):
        _hold(case, found)


_SHOWN = """
return asked.map(({data, words, model, setting}) => {
  const state = {...declared(words, "os", setting), model}, solver = new Solver(words, () => data);
  const view = solver.view(state, {grid: FINE.grid, best: 64}), found = springsIn(words, view);
  const fitted = view.analysis.studies.flatMap(({study}) => solver.fitted(view, study).map(({mean}) => mean));
  const {beads, springs, b, tau} = found, at = row => row.reduce((sum, x, j) => sum + x * b[j], 0);
  return {
    fitted, tau, against: view.against, said: farthestOf(words, state, found),
    effects: view.rows.map(({treatment, effect}) => [treatment, effect.mean]),
    beads: beads.map(({treatment, row, isCandidate}) => [treatment, at(row), isCandidate]), candidates: view.candidates,
    springs: springs.map(one =>
      ({...one, from: at(one.from), to: at(one.to), mixes: one.arms.map(({regimens}) => regimens)})),
  };
});
"""
_SHOWN_IMPORTS = {
    "engine/analysis.js": "FINE",
    "panel/solve.js": "Solver",
    "panel/state.js": "declared",
    "panel/tension.js": "farthestOf, springsIn",
}


def _shown(seeds: range) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Say what the picture shows of random networks, in every setting."""
    asked = []
    for seed in seeds:
        rows, fit, question = random_network(seed)
        data = page_models(rows, [], fit, question)
        words = bare_words(data, question)
        asked += [
            {"data": data, "words": words, "model": model, "setting": place}
            for model in data["models"]
            for place in data["settings"]
        ]
    return list(zip(asked, node(_SHOWN_IMPORTS, _SHOWN, asked), strict=True))


def test_picture_has_what_the_engine_says() -> None:
    """Beads at the mean effects of the panel, springs as long as the fitted contrasts, how far each is from rest."""
    kinds = set()
    for asked, found in _shown(SEEDS):
        beads = {name: (at, is_candidate) for name, at, is_candidate in found["beads"]}
        for treatment, mean in found["effects"]:
            assert beads[treatment] == (pytest.approx(mean, abs=_TOLERANCE), True)
        assert {name for name, (_, is_candidate) in beads.items() if is_candidate} == set(found["candidates"])
        assert beads[found["against"]][0] == 0
        declared = [r for one in asked["data"]["studies"] for r in one["readings"]]
        figures = [(y, r["covariance"][i][i]) for r in declared for i, y in enumerate(r["y"])]
        for (y, variance), fitted, spring in zip(figures, found["fitted"], found["springs"], strict=True):
            assert spring["to"] - spring["from"] == pytest.approx(fitted, abs=_TOLERANCE)
            sd = (variance + found["tau"] ** 2) ** 0.5
            assert (spring["length"], spring["stiffness"]) == (y, pytest.approx(sd**-2))
            assert spring["z"] == pytest.approx((fitted - y) / sd, abs=_TOLERANCE)
            kinds.add((spring["kind"], _kind(y, fitted, abs(fitted - y) / sd)))
        farthest = max(found["springs"], key=lambda one: abs(one["z"]))
        assert f" {farthest['study'].upper()}: " in found["said"]
    assert kinds == {(kind, kind) for kind in ("near rest", "squeezed", "stretched", "turned over")}


def _kind(y: float, fitted: float, z: float) -> str:
    if z < 0.5:
        return "near rest"
    if np.sign(y) != np.sign(fitted):
        return "turned over"
    return "stretched" if abs(fitted) > abs(y) else "squeezed"


def test_springs_end_where_their_arms_are() -> None:
    """At the bead of an arm's treatment, at the mean by patients of several, and elsewhere in other settings alone."""
    ends = {"bead": 0, "parts": 0, "elsewhere": 0}
    for asked, found in _shown(SEEDS):
        beads = found["beads"]
        for spring in found["springs"]:
            places = (spring["from"], spring["to"])
            for at, end, regimens in zip(places, spring["ends"], spring["mixes"], strict=True):
                if end["bead"] >= 0:
                    ends["bead"] += 1
                    assert at == pytest.approx(beads[end["bead"]][1], abs=1e-9)
                    assert len(regimens) > 1 or [beads[end["bead"]][0]] == list(regimens)
                elif end["parts"]:
                    ends["parts"] += 1
                    named = {beads[k][0]: beads[k][1] for k in end["parts"]}
                    weights = [regimens[name] for name in named]
                    assert set(named) == set(regimens)
                    assert at == pytest.approx(np.average(list(named.values()), weights=weights), abs=1e-9)
                else:
                    ends["elsewhere"] += 1
                    assert asked["model"] == "setting"
    assert min(ends.values()) > 0


_ARMS = """
const each = (data, model) => data.studies.flatMap(({readings: [{arms, rows}]}) => {
  const [first, ...others] = arms.map(arm => armRow(data, model, arm));
  return others.map((row, i) => ({
    found: row.map((x, j) => x - first[j]), row: dense(rows[model][i], row.length),
    mixed: Object.keys(arms[i + 1].regimens).length > 1,
  }));
});
return asked.flatMap(data => Object.keys(data.models).flatMap(model => each(data, model)));
"""


def test_arms_differ_by_the_rows_of_their_contrasts() -> None:
    """Every arm, by its patients and settings, is where the model has it beside the first of its study."""
    networks = [random_network(seed) for seed in SEEDS]
    found = node(_IMPORTS, _ARMS, [page_models(rows, [], fit, asked) for rows, fit, asked in networks])
    for one in found:
        np.testing.assert_allclose(one["found"], one["row"], rtol=0, atol=1e-12)
    assert {one["mixed"] for one in found} == {True, False}
