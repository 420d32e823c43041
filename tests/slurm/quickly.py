"""Snakemake, looking at its SLURM jobs every second; by itself it waits 10 s more each time nothing has ended."""

from __future__ import annotations

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1.0, lambda self, seconds: None)

if __name__ == "__main__":
    main()
