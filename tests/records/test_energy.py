"""Energy from the counters of a machine: packages as Linux shows them, GPUs through a library with NVML's functions."""

import gc
import subprocess
import threading
import time
from pathlib import Path

import pytest

from janus.records import provenance as module
from janus.records.energy import Counter, Meter, counters
from janus.records.provenance import Stopwatch, content, provenance
from janus.report.page.records import energy_text

# Two devices with 5 and 7 J so far, and 0.25 J more at each reading; the third cannot tell.
NVML = """
static unsigned long long readings[3];
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned number, void **device) { *device = (void *)(long)(number + 1); return 0; }
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
    long number = (long)device - 1;
    if (number == 2) return 3;
    *millijoules = 5000 + 2000 * number + 250 * readings[number]++;
    return 0;
}
"""


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, with 1 J and 2 J so far, and a part of the first."""
    for zone, start in (("intel-rapl:0", 1_000_000), ("intel-rapl:0:0", 400_000), ("intel-rapl:1", 2_000_000)):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "energy_uj").write_text(f"{start}\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("10000000\n")
    return tmp_path


@pytest.fixture(scope="module")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("nvml")
    (folder / "nvml.c").write_text(NVML)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "nvml.so", "nvml.c"], cwd=folder, check=True)
    return str(folder / "nvml.so")


def test_packages_are_added_and_their_parts_are_not(powercap: Path) -> None:
    meter = Meter(counters(powercap, "no-nvml"))
    (powercap / "intel-rapl:0/energy_uj").write_text("1500000")
    (powercap / "intel-rapl:0:0/energy_uj").write_text("900000")
    (powercap / "intel-rapl:1/energy_uj").write_text("2250000")
    assert meter.joules() == {"processor": 0.8}


def test_a_counter_that_begins_again_is_read_on(powercap: Path) -> None:
    meter = Meter(counters(powercap, "no-nvml"))
    for value in (9_000_000, 500_000, 9_500_000, 1_000_000):
        (powercap / "intel-rapl:0/energy_uj").write_text(str(value))
        meter.read()
    # 8 J, 1.5 J over the end, 9 J, 1.5 J over the end.
    assert meter.joules() == {"processor": 20.0}


def test_counters_that_wrap_are_read_by_themselves_until_nobody_needs_them() -> None:
    readings = []

    def read() -> float:
        readings.append(threading.current_thread())
        return float(len(readings))

    meter = Meter([Counter("processor", read, 100.0)], interval=0.01)
    deadline = time.monotonic() + 20
    while len(readings) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    [reader] = {one for one in readings if one is not threading.current_thread()}
    del meter
    gc.collect()
    reader.join(20)
    assert not reader.is_alive()


def test_a_counter_that_is_lost_during_the_work_tells_nothing_and_stops_nothing(powercap: Path) -> None:
    meter = Meter(counters(powercap, "no-nvml"))
    (powercap / "intel-rapl:0/energy_uj").unlink()
    assert meter.joules() == {}


@pytest.mark.parametrize(("visible", "joules"), [(None, 0.5), ("1", 0.2), ("0,1,2", 0.5)])
def test_gpus_that_are_visible_and_can_tell(nvml: str, tmp_path: Path, monkeypatch, visible, joules) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert Meter(counters(tmp_path, nvml)).joules() == {"gpu": joules}


def test_a_machine_without_counters_has_no_energy_in_its_records(tmp_path: Path, monkeypatch) -> None:
    assert counters(tmp_path, "no-nvml") == []
    monkeypatch.setattr(module, "counters", list)
    assert "energy_joules" not in provenance(watch=Stopwatch())


def test_a_record_has_the_energy_of_its_job(powercap: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "counters", lambda: counters(powercap, "no-nvml"))
    watch = Stopwatch()
    (powercap / "intel-rapl:1/energy_uj").write_text("4000000")
    record = provenance(watch=watch)
    assert record["energy_joules"] == {"processor": 2.0}
    # Two runs with equal results differ in it, as in their clocks.
    assert "energy_joules" not in content(record)


def test_a_counter_that_only_root_may_read_is_left_out(powercap: Path) -> None:
    # Not a file, which root cannot read either.
    (powercap / "intel-rapl:0/energy_uj").unlink()
    (powercap / "intel-rapl:0/energy_uj").mkdir()
    assert [counter.read() for counter in counters(powercap, "no-nvml")] == [2.0]


def test_energy_in_words() -> None:
    assert energy_text({"processor": 12_345.6, "gpu": 2_500_000.0}) == "processor 12.3 kJ, gpu 2.5 MJ"
