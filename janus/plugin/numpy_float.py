"""`numpy.float`, the old name of Python's float, which fairseq's CRF layer uses and numpy no longer has.

The name is added to numpy where it is missing; fairseq's own files stay as they are.
"""

import numpy as np

if "float" not in vars(np):
    np.float = float
