"""Designs by study: what they compute is what the dense rows compute."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from secondline.inference.kernels.design_blocks import add_transposed, blocks, multiply


@given(st.lists(st.integers(1, 4), max_size=8), st.integers(1, 9), st.integers(0, 10_000))
def test_products_are_those_of_the_dense_rows(sizes: list[int], width: int, seed: int) -> None:
    """Rows b and rows' score, for studies of any size that touch some of the columns, or none."""
    rng = np.random.default_rng(seed)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rows = np.zeros((start[-1], width))
    for first, end in pairwise(start):
        touched = rng.random(width) < 0.4
        rows[first:end, touched] = rng.normal(size=(end - first, touched.sum()))
    design = blocks(rows, start)
    b, score = rng.normal(size=width), rng.normal(size=len(rows))
    product, transposed = np.full(len(rows), np.nan), np.ones(width)
    multiply(design.layout, design.columns, design.values, b, product)
    add_transposed(design.layout, design.columns, design.values, score, transposed)
    assert np.allclose(product, rows @ b)
    assert np.allclose(transposed, 1 + score @ rows)


def test_a_study_keeps_only_the_columns_that_it_touches() -> None:
    """Two studies of two arms on three treatments of a hundred: three columns in all, not two hundred."""
    rows = np.zeros((4, 100))
    rows[1, 7], rows[2, 7], rows[3, 50] = 1.0, 1.0, 1.0
    design = blocks(rows, np.array([0, 2, 4]))
    assert design.columns.tolist() == [7, 7, 50]
    assert design.values.tolist() == [0, 1, 1, 0, 0, 1]
    assert design.layout.tolist() == [[0, 0, 0], [2, 1, 2], [4, 3, 6]]
