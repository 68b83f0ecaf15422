"""Bad configs (tests/test_tiers.py has them all) end with one line that names the file, the place and the fix."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAKEMAKE_SAYS = ("Using workflow specific profile", "Config file config/demo.yaml is extended")


def one_error(done):
    """The single line of complaint of a failed run, besides Snakemake's own remarks on where it read its settings."""
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(SNAKEMAKE_SAYS)]
    assert len(lines) == 1, done.stdout
    return lines[0]


def overlay(tmp_path, text):
    path = tmp_path / "over.yaml"
    path.write_text(text, encoding="utf-8")
    return "--configfile", str(path)


def test_a_bad_tier_ends_with_one_line(snakemake, tmp_path):
    line = one_error(snakemake("-n", *overlay(tmp_path, "tables: {table1: {systems: [transfomer]}}")))
    assert line.startswith("error: ") and "tables.table1" in line and "did you mean 'transformer'?" in line


def test_every_missing_key_is_named(snakemake, tmp_path):
    lines = errors(snakemake("-n", *overlay(tmp_path, "tier: mine\n")))
    assert len(lines) == 6 and all("over.yaml: the key" in line and "is missing" in line for line in lines)


def test_a_bad_system_ends_with_one_line(own):
    own.edit("config/systems.yaml", lambda systems: systems["aux"]["losses"].update(kl=1))
    line = one_error(own.snakemake("-n"))
    assert "config/systems.yaml: aux.losses: unknown key 'kl'" in line


def test_a_claim_about_a_row_that_the_paper_does_not_have_ends_with_one_line(own):
    claims = own.folder / "workflow/published/claims.csv"
    claims.write_text(claims.read_text(encoding="utf-8").replace("JANUS-AR,Transformer,", "JANUS-AR,Transfomer,"))
    line = one_error(own.snakemake("-n"))
    assert "claims.csv: ar-gain: the paper's Table 1 has no row 'Transfomer'; choose from: Transformer, " in line


def test_a_claim_in_an_unknown_metric_ends_with_one_line(own):
    claims = own.folder / "workflow/published/claims.csv"
    claims.write_text(claims.read_text(encoding="utf-8").replace("CMLM+Corr,bleu_tok,", "CMLM+Corr,bleu,"))
    line = one_error(own.snakemake("-n"))
    assert "claims.csv: nar-corr: no metric 'bleu' of Table 1, whose task is translation; choose from: latency" in line


def test_a_system_file_that_is_not_yaml_names_the_line(own):
    (own.folder / "config/systems.yaml").write_text("transformer:\n  label: [\n")
    assert "config/systems.yaml:" in one_error(own.snakemake("-n"))


def test_a_system_that_starts_from_nowhere_ends_with_one_line(snakemake, tmp_path):
    line = one_error(snakemake("-n", *overlay(tmp_path, "pretraining: null")))
    assert "pretraining" in line and "starts from a pre-trained model" in line


@pytest.fixture
def without_pyarrow(tmp_path):
    """A folder of packages in which pyarrow cannot be imported, whether it is installed or not."""
    folder = tmp_path / "packages/pyarrow"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('no pyarrow')\n")
    return folder.parent


def errors(done):
    assert done.returncode != 0 and "Traceback" not in done.stdout, done.stdout
    return [line for line in done.stdout.splitlines() if line.startswith("error: ")]


PAPER = ("--configfile", "config/paper.yaml")
MISSING = (
    "error: wikipedia-20231101.en-00000.parquet and 40 more: needs pyarrow, which is not installed; "
    "pip install 'pyarrow>=18'"
)


def test_terms_that_nobody_accepted_end_the_planning_with_a_line_for_each_download(snakemake):
    done = snakemake("-n", *PAPER)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    for name in ("glge_public.tar", "glge_hidden_v1.1.tar.gz", "bookcorpus.tar.bz2"):
        assert (
            sum(f"error: resources/downloads/{name}: is under terms that must be accepted first" in x for x in lines)
            == 1
        )
    assert len(lines) == 3 and all("accept: [glge]" in line or "accept: [bookcorpus]" in line for line in lines)


def test_terms_and_readers_bind_only_what_needs_them(own, counts_of, without_pyarrow):
    # Table 1 is of translation.
    done = own.snakemake("-n", "table1", *PAPER, packages=without_pyarrow)
    assert counts_of(done.stdout)["fetch"] > 5, done.stdout
    assert own.snakemake("-n", "table2", *PAPER).returncode != 0
    downloads = own.folder / "resources/downloads"
    downloads.mkdir(parents=True)
    for name in ("glge_public.tar", "glge_hidden_v1.1.tar.gz", "bookcorpus.tar.bz2"):
        (downloads / name).write_bytes(b"put here by hand")
    assert own.snakemake("-n", "table2", *PAPER).returncode == 0


def test_a_missing_reader_is_found_when_a_plan_needs_it(own, without_pyarrow):
    def plan(*words):
        return own.snakemake("-n", "table2", *PAPER, *words, packages=without_pyarrow)

    # With the terms, so that all that stands in the way is said at once.
    done = plan()
    assert done.returncode != 0 and len(errors(done)) == 4 and MISSING in errors(done)
    # Rules with environments of their own have it there.
    assert "pyarrow" not in plan("--software-deployment-method", "conda").stdout
    for number in range(41):
        name = f"wikipedia-20231101.en-{number:05d}.parquet"
        (own.folder / f"results/paper/wikipedia-bookcorpus/text/parts/{name}").mkdir(parents=True)
    # What was read needs no reader.
    done = plan("--config", 'accept=["glge","bookcorpus"]')
    assert done.returncode == 0, done.stdout


def test_problems_of_several_kinds_are_planned_away_together(snakemake, tmp_path):
    text = (ROOT / "config/paper.yaml").read_text(encoding="utf-8")
    text = text.replace("gpus: 4, max_tokens: 16384", "gpus: 8, max_tokens: 16384")
    text = text.replace("WMT14 En→De", "WMT14 En->De").replace("  hours: 48", "  hours: 48\n  memory: 4000")
    (tmp_path / "broken.yaml").write_text(text, encoding="utf-8")
    done = snakemake("-n", "--configfile", str(tmp_path / "broken.yaml"))
    lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0 and "Traceback" not in done.stdout
    for words in ("a machine has 4", "MiB of memory for 4 GPUs", "has no column 'WMT14 En->De'"):
        assert any(words in line for line in lines), done.stdout


def test_a_key_that_stands_twice_is_named_with_its_line(snakemake, tmp_path):
    """Snakemake itself keeps the last of the two without a word."""
    text = "training:\n  lr: 0.1\n  lr: 0.2\n"
    for words in ((), ("--directory", str(tmp_path))):
        (line,) = errors(snakemake("-n", *words, *overlay(tmp_path, text)))
        assert line.endswith("over.yaml:3: duplicate key 'lr'; remove one of the two")


def test_problems_of_both_files_are_said_together(own):
    own.edit("config/systems.yaml", lambda systems: systems["aux"]["losses"].update(kl=1, ar=-1))
    own.edit("config/corpora.yaml", lambda content: content["corpora"]["multi30k.de-en"].update(recipe="nope"))
    lines = errors(own.snakemake("-n"))
    assert len(lines) == 3 and sum("config/corpora.yaml" in line for line in lines) == 1, lines


def test_a_failing_job_prints_its_one_line(own, tmp_path):
    empty = own.folder / "empty"
    empty.mkdir()
    done = own.snakemake(
        "--cores",
        "1",
        "download",
        "--configfile",
        "config/multi30k.yaml",
        "--config",
        f"mirror={empty}",
        "--retries",
        "0",
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert "error: resources/downloads/multi30k-" in done.stdout
    assert not list((own.folder / "resources/downloads").glob("multi30k*"))
