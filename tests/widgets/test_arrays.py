"""Arrays on their way to the front end."""

import numpy as np
import pytest

from mi_nb.widgets.arrays import DTYPES, pack, to_numpy, unpack


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_packed_array_comes_back(dtype):
    array = np.arange(6).reshape(2, 3)
    packed = pack(array, ("layer", "position"), dtype)
    assert (packed["dtype"], packed["shape"], packed["axes"]) == (dtype, [2, 3], ["layer", "position"])
    assert np.array_equal(unpack(packed), array)


def test_bytes_are_little_endian_whatever_came_in():
    packed = pack(np.array([1], ">i4"), ("layer",), "int32")
    assert packed["data"] == b"\x01\x00\x00\x00"


def test_transposed_arrays_keep_their_order():
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert np.array_equal(unpack(pack(array, ("position", "layer"))), array)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="float64"):
        pack([1.0], ("layer",), "float64")
    with pytest.raises(ValueError, match="2 axes, but 1 names"):
        pack(np.zeros((2, 2)), ("layer",))
    with pytest.raises(ValueError, match=r"entropy has shape \(2, 3\).*\(2, any, 4\)"):
        to_numpy("entropy", np.zeros((2, 3)), (2, None, 4))
