"""The option of fairseq-train that names how validation decodes."""


def validate(*manners: str) -> list[str]:
    """The option that decodes in `manners` at validation, by two passes in NAR and greedily in AR."""
    how = {"ar": "{manner: ar, beam: 1, max_len_a: 1.5, max_len_b: 10}", "nar": "{manner: nar, passes: 2}"}
    return ["--valid-decodings", f"[{', '.join(how[manner] for manner in manners)}]"]
