import pytest

from janus.errors import InputError
from janus.fetching.manifest import Download
from janus.fetching.terms import require_leave

FREE = Download("a.gz", "x/a.gz", ("https://host.example/a.gz",))
BOUND = Download("b.tar", "x/b.tar", ("https://host.example/b.tar",), accept="books", page="https://host.example/terms")
NOWHERE = Download("c.xz", "x/c.xz", ())


def test_what_is_free_or_accepted_passes(tmp_path):
    require_leave(FREE, tmp_path, accepted=(), mirror=None)
    require_leave(BOUND, tmp_path, accepted=["glge", "books"], mirror=None)
    require_leave(NOWHERE, tmp_path, accepted=(), mirror="/data/mirror")


@pytest.mark.parametrize("mirror", [None, "/data/mirror"])
def test_terms_are_asked_for_and_the_line_tells_how(tmp_path, mirror):
    with pytest.raises(InputError) as caught:
        require_leave(BOUND, tmp_path, accepted=["glge"], mirror=mirror)
    message = str(caught.value)
    assert "\n" not in message
    for words in ("https://host.example/terms", "accept: [books]", f"{tmp_path}/b.tar", "put the file there"):
        assert words in message


def test_a_file_only_a_mirror_has_is_named_with_its_place(tmp_path):
    with pytest.raises(InputError, match=r"c\.xz: has no public address; set `mirror:` .*holds x/c\.xz"):
        require_leave(NOWHERE, tmp_path, accepted=(), mirror=None)


@pytest.mark.parametrize("download", [BOUND, NOWHERE])
def test_a_file_that_lies_there_is_the_users_own_matter(tmp_path, download):
    (tmp_path / download.name).touch()
    require_leave(download, tmp_path, accepted=(), mirror=None)
