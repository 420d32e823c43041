"""`python -m decay_atlas.simulation`: see `job`."""

import sys

from decay_atlas.simulation.job import main

if __name__ == "__main__":
    sys.exit(main())
