"""What the stages of the statistics share: landscapes, selections, estimates, comparisons."""
