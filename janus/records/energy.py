"""The energy that a machine's own counters tell of: those of processor packages (RAPL) and of NVIDIA GPUs (NVML).

They count everything that runs on the device. On most systems only root may read those of processors. Where a machine
has no counter that can be read, there is no energy.
"""

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")
# Seconds between two readings. A counter of a processor begins again after a quarter of a million joules or less.
_INTERVAL = 30.0


@dataclass(frozen=True)
class Counter:
    """name: `processor` or `gpu`. read: joules since some moment. wraps: joules after which it begins again, or 0."""

    name: str
    read: Callable[[], float]
    wraps: float = 0.0


class Meter:
    """Joules since construction."""

    def __init__(self, counters: Sequence[Counter], interval: float = _INTERVAL):
        self._counters = counters
        self._last = [counter.read() for counter in counters]
        self._joules: list[float | None] = [0.0] * len(counters)
        self._lock = threading.Lock()
        if any(counter.wraps for counter in counters):
            threading.Thread(target=_keep_reading, args=(weakref.ref(self), interval), daemon=True).start()

    def joules(self) -> dict[str, float]:
        """Joules by the name of the counters, all devices together; none of a name with a counter that was lost."""
        self.read()
        by_name: dict[str, list[float | None]] = {}
        for counter, joules in zip(self._counters, self._joules):
            by_name.setdefault(counter.name, []).append(joules)
        sums = {name: [one for one in all_of if one is not None] for name, all_of in by_name.items()}
        return {name: round(sum(known), 1) for name, known in sums.items() if len(known) == len(by_name[name])}

    def read(self) -> None:
        """Read the counters, often enough that none begins again twice in between. One that cannot be read is lost."""
        with self._lock:
            for number, counter in enumerate(self._counters):
                if (joules := self._joules[number]) is None:
                    continue
                try:
                    now = counter.read()
                except (OSError, ValueError):
                    self._joules[number] = None
                    continue
                step = now - self._last[number]
                self._joules[number] = joules + (step + counter.wraps if step < 0 else step)
                self._last[number] = now


def counters(powercap: Path = _POWERCAP, nvml: str = "libnvidia-ml.so.1") -> list[Counter]:
    """The counters of this machine that can be read. powercap: where Linux shows them; nvml: the library of GPUs."""
    return [*_processors(powercap), *_gpus(nvml)]


def _keep_reading(meter: "weakref.ref[Meter]", interval: float) -> None:
    wait = threading.Event()
    while not wait.wait(interval):
        if (one := meter()) is None:
            return
        one.read()
        del one


def _processors(folder: Path) -> Iterator[Counter]:
    """A counter of each package; its cores and its memory, intel-rapl:0:0 and on, are parts of it."""
    for zone in sorted(folder.glob("intel-rapl:*")):
        if zone.name.count(":") == 1:
            try:
                _microjoules(zone / "energy_uj")
                wraps = _microjoules(zone / "max_energy_range_uj")
            except (OSError, ValueError):
                continue
            yield Counter("processor", partial(_microjoules, zone / "energy_uj"), wraps)


def _microjoules(path: Path) -> float:
    return int(path.read_text(encoding="ascii")) / 1e6


def _gpus(name: str) -> Iterator[Counter]:
    """A counter of each GPU that CUDA_VISIBLE_DEVICES names by its number, or of all."""
    try:
        nvml = ctypes.CDLL(name)
    except OSError:
        return
    count = ctypes.c_uint()
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    named = {int(word) for word in (visible or "").split(",") if word.strip().isdigit()}
    for number in range(count.value):
        device = ctypes.c_void_p()
        if visible is not None and number not in named:
            continue
        if nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device)):
            continue
        read = partial(_gpu_joules, nvml, device)
        try:
            read()
        except OSError:
            continue
        yield Counter("gpu", read)


def _gpu_joules(nvml: ctypes.CDLL, device: ctypes.c_void_p) -> float:
    millijoules = ctypes.c_ulonglong()
    if status := nvml.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules)):
        raise OSError(f"NVML does not tell the energy of this GPU (status {status})")
    return millijoules.value / 1e3
