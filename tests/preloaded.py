"""What the processes of `tests/processes.py` find imported: all but this library.

Nothing here may compute anything: threads of a backend do not survive the fork.
"""

import gc

import h5py  # noqa: F401
import keras  # noqa: F401
import keras_hub  # noqa: F401

gc.collect()
gc.freeze()
