"""The recipe that CONTRIBUTING adds: a file and an entry; it is prepared and rehearsed like every other."""

import subprocess
import sys
from pathlib import Path

from markdown_blocks import block, section

ROOT = Path(__file__).resolve().parents[2]
SECTION = section((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "A corpus")
PREPARE = """
import yaml
from pathlib import Path
from janus.fetching.manifest import load_manifest
from janus.files import read_json, read_lines
from janus.rehearsal.mirror import make_corpus
from janus.text.prepare import prepare

corpus = load_manifest(Path("mine.yaml")).corpora["pairs.de-en"]
for name, content in make_corpus(corpus).files.items():
    Path(name).write_bytes(content)
prepare(corpus, Path("."), Path("out"))
record = read_json(Path("out/corpus.json"))
assert (record["lines"], record["recipe"]) == ({"train": 48, "valid": 5, "test": 7}, "tab_separated")
raw = [line.split("\t") for line in read_lines(Path("pairs.de-en.tsv"))]
assert read_lines(Path("out/raw/test.en")) == [english for _, english in raw[-7:]]
print("prepared")
"""


def test_a_file_and_an_entry_are_a_corpus(own):
    (own.folder / "janus/recipes/tab_separated.py").write_text(block(SECTION, "python"), encoding="utf-8")
    entry = "".join(f"  {line}\n" for line in block(SECTION, "yaml").splitlines())
    (own.folder / "mine.yaml").write_text(f"corpora:\n{entry}", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PREPARE], cwd=own.folder, capture_output=True, text=True)
    assert done.stdout == "prepared\n", done.stderr
