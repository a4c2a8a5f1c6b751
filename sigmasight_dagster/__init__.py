"""SigmaSight's Dagster project: providers, warehouse, assets, checks, commands."""

import os

# NumPy's OpenBLAS starts a thread for each core and lets them spin between calls. The matrices here are small
# and many: with other processes on the same cores those threads take most of the time, and gain none.
# Before NumPy is imported; who sets the variable has the last word.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
