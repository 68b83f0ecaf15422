"""Bad configs (tests/test_tiers.py has them all) end with one line that names the file, the place and the mend."""

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


def test_a_missing_key_is_named(snakemake, tmp_path):
    line = one_error(snakemake("-n", *overlay(tmp_path, "tier: mine\n")))
    assert "is missing" in line and "over.yaml" in line


def test_a_bad_system_ends_with_one_line(own):
    own.edit("config/systems.yaml", lambda systems: systems["aux"]["losses"].update(kl=1))
    line = one_error(own.snakemake("-n"))
    assert "config/systems.yaml: aux.losses: unknown key 'kl'" in line


def test_a_system_file_that_is_not_yaml_names_the_line(own):
    (own.folder / "config/systems.yaml").write_text("transformer:\n  label: [\n")
    assert "config/systems.yaml:" in one_error(own.snakemake("-n"))


def test_a_system_that_starts_from_nowhere_ends_with_one_line(snakemake, tmp_path):
    line = one_error(snakemake("-n", *overlay(tmp_path, "pretraining: null")))
    assert "pretraining" in line and "starts from a pre-trained model" in line


def test_terms_that_nobody_accepted_end_a_fetch_with_one_line(own):
    words = ("--cores", "1", "--configfile", "config/paper.yaml", "--retries", "0")
    done = own.snakemake(*words, "resources/downloads/glge_public.tar")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert "error: resources/downloads/glge_public.tar: comes under terms that must be accepted first" in done.stdout
    assert "accept: [glge]" in done.stdout
    assert not (own.folder / "resources/downloads/glge_public.tar").exists()


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
