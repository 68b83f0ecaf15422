"""Checks that the device of a job is available and suits its precision, before its work begins."""

import re

from janus.errors import InputError

_DEVICE = re.compile(r"cpu|cuda(:\d{1,4})?")


def require_device(device: str, *, count: int = 1) -> None:
    """Raise InputError where `device` is not cpu, cuda or cuda:<n>, or it or `count` of its kind cannot be used."""
    if not _DEVICE.fullmatch(device):
        raise InputError("unknown device", where=f"device {device}", fix="use cpu, cuda or cuda:<number>")
    if device == "cpu":
        return
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if found == 0:
        build = "" if torch.backends.cuda.is_built() else "; this torch was built without CUDA"
        raise InputError(f"no GPU can be used{build}", where=f"device {device}", fix="set `device: cpu`, or use a GPU")
    _, _, index = device.partition(":")
    needed = max(count, int(index or 0) + 1)
    if found < needed:
        raise InputError(
            f"{needed} GPUs are needed and {found} can be used",
            where=f"device {device}",
            fix="lower `gpus` in the tier, or use a machine that has them",
        )


def precisions_of(device: str) -> list[str]:
    """The precisions that `device` (cpu, cuda) computes in at speed, the one to train in first.

    bfloat16 has the range of float32 and needs no scaling of the loss, so it comes first where there are instructions:
    from Ampere (compute capability 8.0) on. Volta and Turing (7.0) have fp16. Of several GPUs the least able counts. On
    a processor float32 does.
    """
    if not device.startswith("cuda"):
        return ["float32"]
    import torch

    require_device(device)
    capability = min(torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count()))
    return ["bfloat16"] * (capability >= (8, 0)) + ["fp16"] * (capability >= (7, 0)) + ["float32"]


def bfloat16_warning() -> str | None:
    """A line that says that this processor is slow in bfloat16; None if it has the instructions."""
    import torch

    # oneDNN's own test. Without them a core with AVX2 was seen to do 1 GFLOP/s, for 52 in float32.
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    return (
        "warning: this processor has no bfloat16 instructions, and matrix products take about 50 times as long as in "
        "float32; set `training.precision: float32`"
    )
