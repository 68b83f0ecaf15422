"""Compile every kernel to machine code for an H100-class GPU, where there is none; run by test_compile.py."""

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernels.attention import triton_spans
from kernels.joint_loss import triton_rows

TARGET = GPUTarget("cuda", 90, 32)
INTEGERS = {"rows", "keys", "tokens", "vocab_size"}
ATTENTION = {
    "spans_ptr": "*i32",
    "query_spans_ptr": "*i32",
    "lse_ptr": "*fp32",
    "delta_ptr": "*fp32",
    "seed_ptr": "*i64",
}
LOSS = {
    "labels_ptr": "*i64",
    "row_weights_ptr": "*fp32",
    "smoothed_ptr": "*fp32",
    "nll_ptr": "*fp32",
    "divergence_ptr": "*fp32",
}
TYPES = {"float32": "*fp32", "float16": "*fp16", "bfloat16": "*bf16"}


def compile_kernel(kernel, pointers: dict[str, str], values: str, constants: dict[str, object], warps: int) -> int:
    """Bytes of shared memory of a kernel whose other pointers hold `values`."""
    signature = {}
    for name in kernel.arg_names:
        if name in constants:
            signature[name] = "constexpr"
        elif name in INTEGERS:
            signature[name] = "i32"
        elif name in ("scale", "dropout", "smoothing", "w01", "w02", "w12"):
            signature[name] = "fp32"
        else:
            signature[name] = pointers.get(name, values)
    source = ASTSource(kernel, signature, constexprs=constants)
    return triton.compile(source, target=TARGET, options={"num_warps": warps, "num_stages": 2}).metadata.shared


def attention(dtype: str, size: int, dropout: bool) -> list[int]:
    """Compile forward and backward for heads of `size` units."""
    constants = dict(HEADS=4, SIZE=size, PADDED=max(16, triton.next_power_of_2(size)), TILE=64, DROPOUT=dropout)
    constants["PRECISION"] = "ieee" if dtype == "float32" else "tf32"
    kernels = (triton_spans._forward, triton_spans._backward_queries, triton_spans._backward_keys)
    return [compile_kernel(kernel, ATTENTION, TYPES[dtype], constants, 4 if size <= 64 else 8) for kernel in kernels]


def loss(dtype: str, streams: int) -> list[int]:
    """Compile the loss of `streams` aligned streams."""
    constants = dict(STREAMS=streams, PAIRS=streams > 1, GRADIENT=True, BLOCK=2048)
    return [compile_kernel(triton_rows._score, LOSS, TYPES[dtype], constants, 8)]


if __name__ == "__main__":
    for case in sys.argv[1:]:
        kind, dtype, *options = case.split(",")
        used = (
            attention(dtype, int(options[0]), options[1] == "True")
            if kind == "attention"
            else loss(dtype, int(options[0]))
        )
        print(case, *used)
