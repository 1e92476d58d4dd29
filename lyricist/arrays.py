"""Names for the types of the arrays that the packages of the model hand to each other."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
#: A weight of the network, by the name that the network knows.
NamedWeight = tuple[str, FloatArray]
