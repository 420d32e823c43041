"""`python -m decay_atlas.training`: see `command`, whose libraries take seconds to load.

A signal in these seconds ends the process as quietly as one that comes later; Python would show a traceback.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def stop(number: int, frame: FrameType | None) -> None:
    """End the process, which trains nothing at this moment."""
    text = f"stopped by {signal.Signals(number).name}; the next attempt goes on from what there is\n"
    os.write(sys.stderr.fileno(), text.encode())
    os._exit(128 + number)


if __name__ == "__main__":
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # nohup's, or of a call in the background
            signal.signal(each, stop)
    from decay_atlas.training.command import main

    sys.exit(main())
