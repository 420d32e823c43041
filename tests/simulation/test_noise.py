"""The noise of simulated runs is that of pandas' row hashes, without pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from decay_atlas.simulation.noise import row_hashes, siphash, standard_normals

ROWS = st.tuples(st.text(max_size=20), st.text(max_size=20), st.floats(1e-300, 1e300), st.integers(0, 2**62))


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_rows_have_the_hashes_that_pandas_gives_them(rows):
    frame = pd.DataFrame(rows, columns=["recipe", "arch", "lr", "seed"])
    frame = frame.astype({"recipe": object, "arch": object, "seed": np.int64})
    expected = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    assert row_hashes([frame[name].to_numpy() for name in frame]).tolist() == expected.tolist()


@pytest.mark.parametrize(("length", "expected"), [(0, 0x726FDB47DD0E0E31), (15, 0xA129CA6149BE45E5)])
def test_siphash_gives_its_authors_vectors(length, expected):
    assert siphash(bytes(range(length)), key=bytes(range(16))) == expected


def test_deviates_are_normal_and_streams_and_seeds_are_independent():
    columns = [np.array(["net"] * 5000, object), np.arange(5000.0)]
    one, other = standard_normals(columns, 0, 2), standard_normals(columns, 1, 2)
    for deviates in [*one, *other]:
        assert stats.kstest(deviates, "norm").pvalue > 0.001
    assert np.abs(np.corrcoef([*one, *other]) - np.eye(4)).max() < 0.05
