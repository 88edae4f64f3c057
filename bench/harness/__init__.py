"""Everything over many runs: repeating, sweeping, comparing, gating and reporting. `ptychoscale COMMAND` forwards here."""
