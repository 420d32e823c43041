"""What a run is: its axes, its settings and their digest, its record, and the packs that make records."""
