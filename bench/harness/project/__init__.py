"""`ptychoscale project`: the solvers on a machine that is not here, simulated message by message."""
