"""Arrays as the front end receives them: little-endian bytes with their dtype, shape and axis names."""

from __future__ import annotations

from typing import Any

import numpy as np

PackedArray = dict[str, Any]

DTYPES = ("float32", "float16", "int32", "uint16", "uint8")


def pack(array: Any, axes: tuple[str, ...], dtype: str = "float32") -> PackedArray:
    """Turn an array into a record whose bytes travel as a binary buffer.

    Args:
        array: anything `numpy.asarray` takes.
        axes: one name per dimension.
        dtype: one of `DTYPES`; the array is converted to it.

    Returns:
        `{"data": bytes, "dtype": str, "shape": list[int], "axes": list[str]}`.

    Raises:
        ValueError: the dtype is not one that the front end reads, or the axes do not fit the shape.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} cannot be sent to a widget; use one of {', '.join(DTYPES)}")
    values = np.asarray(array)
    if values.ndim != len(axes):
        raise ValueError(f"an array of shape {values.shape} has {values.ndim} axes, but {len(axes)} names: {axes}")
    little_endian = np.dtype(dtype).newbyteorder("<")
    # A value outside float16's range becomes infinite, which the front end draws at the end of the scale.
    with np.errstate(over="ignore"):
        data = np.ascontiguousarray(values, dtype=little_endian).tobytes()
    return {"data": data, "dtype": dtype, "shape": list(values.shape), "axes": list(axes)}


def unpack(packed: PackedArray) -> np.ndarray:
    """The array that `pack` packed."""
    little_endian = np.dtype(packed["dtype"]).newbyteorder("<")
    return np.frombuffer(packed["data"], dtype=little_endian).reshape(packed["shape"])


def to_numpy(name: str, array: Any, shape: tuple[int | None, ...], dtype: type = np.float32) -> np.ndarray:
    """Convert an argument and check its shape, `None` standing for any size.

    Raises:
        ValueError: the shape differs, with the argument's name and both shapes.
    """
    values = np.asarray(array)
    fits = values.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, values.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} has shape {values.shape}; the other arguments ask for ({wanted})")
    return values.astype(dtype, copy=False)
