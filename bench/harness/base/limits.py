"""How much longer the gate lets things take.

A time counts as slower when its whole 95 % interval is beyond the limit. The serial pace repeats within 2 % on a machine left alone, and
was seen to move by 15 % between minutes on a shared one; ranks wait for each other and for whatever else runs; two builds in turns are
disturbed alike."""

SERIAL_LIMIT = 0.3
PARALLEL_LIMIT = 0.5
AGAINST_LIMIT = 0.15
