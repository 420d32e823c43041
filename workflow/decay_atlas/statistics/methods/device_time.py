"""What a run took of the devices that trained it together."""

from __future__ import annotations

import pandas as pd


def device_seconds(runs: pd.DataFrame) -> pd.Series:
    """Seconds of every run times its devices, one where the table does not say; NaN where it was not timed.

    `runs` has the column seconds, and n_devices where that is known.

    Raises:
        KeyError: there is no column seconds.
    """
    devices = runs["n_devices"].astype(float).fillna(1) if "n_devices" in runs else 1.0
    return runs["seconds"].astype(float) * devices
