"""py4DSTEM's own reader on a dataset; by hand, because py4DSTEM brings half a gigabyte of packages:

    pip install py4DSTEM==0.14.18 pytest
    PTYCHOSCALE_DATASET=... python -m pytest validation/readers/test_py4dstem.py
"""

import os

import numpy as np
import py4DSTEM


def test_py4dstem_opens_it():
    path = os.environ["PTYCHOSCALE_DATASET"]
    cube = py4DSTEM.read(path, datapath="dataset/datacube")
    assert isinstance(cube, py4DSTEM.DataCube)
    assert cube.data.ndim == 4 and np.all(np.isfinite(cube.data[-1, -1]))
    assert cube.calibration.get_Q_pixel_units() == "A^-1"
    assert cube.calibration.get_R_pixel_units() == "A"
