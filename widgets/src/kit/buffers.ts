// Arrays from their binary form: little-endian bytes with dtype, shape and axis names.

export type Dtype = "float32" | "float16" | "int32" | "uint16" | "uint8";

export interface PackedArray {
  data: DataView | ArrayBuffer | Uint8Array;
  dtype: Dtype;
  shape: number[];
  axes: string[];
}

export interface Tensor {
  values: ArrayLike<number>;
  shape: number[];
  axes: string[];
}

export function decode(packed: PackedArray): Tensor {
  const bytes = copyBytes(packed.data);
  return { values: read(bytes, packed.dtype), shape: packed.shape, axes: packed.axes };
}

function read(bytes: ArrayBuffer, dtype: Dtype): ArrayLike<number> {
  switch (dtype) {
    case "float32":
      return new Float32Array(bytes);
    case "float16":
      return Float32Array.from(new Uint16Array(bytes), half);
    case "int32":
      return new Int32Array(bytes);
    case "uint16":
      return new Uint16Array(bytes);
    case "uint8":
      return new Uint8Array(bytes);
  }
}

// A copy, since a view into a message need not be aligned.
function copyBytes(data: PackedArray["data"]): ArrayBuffer {
  if (data instanceof ArrayBuffer) return data;
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
}

/** An IEEE half from its bits. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
