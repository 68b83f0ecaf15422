"""What the bundle for a bare GPU host holds."""

from pathlib import Path

from janus.bench.bundle import requirements

LOCK = Path(__file__).parents[2] / "requirements.lock"


def test_the_bundle_lacks_what_the_host_has_and_nothing_else():
    pins, source = requirements(LOCK)
    names = {pin.split("==")[0] for pin in pins}
    assert source.startswith("fairseq-fixed==")
    assert {"sacrebleu", "subword-nmt", "omegaconf", "snakemake", "pytest", "pandas"} <= names
    assert not names & {"torch", "triton", "numpy", "scipy", "matplotlib", "fairseq-fixed"}
