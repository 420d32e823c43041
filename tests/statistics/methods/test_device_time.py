"""Time of devices: seconds of a run times those that shared it."""

import numpy as np
import pandas as pd
import pytest

from decay_atlas.statistics.methods.device_time import device_seconds


def test_seconds_count_once_for_every_device():
    runs = pd.DataFrame({"seconds": [10.0, 10.0, 10.0, np.nan], "n_devices": [4, 1, np.nan, 2]})
    assert device_seconds(runs).tolist() == pytest.approx([40, 10, 10, np.nan], nan_ok=True)


def test_a_table_that_does_not_say_had_one_device_a_run():
    assert device_seconds(pd.DataFrame({"seconds": [10.0, 20.0]})).tolist() == [10, 20]
