"""One thread for a product of matrices, unless the environment says otherwise. Imported with the package, since
OpenBLAS reads it as numpy is imported.

A server and its workers are processes of their own, and an evaluation's products are small: threads that wait for each
other take more of the processor's time than the products.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
