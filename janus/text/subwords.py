"""Text in subwords, as BPE writes it: every part of a word but the last ends in @@."""


def remove_bpe(line: str) -> str:
    """The line with its subwords joined to words, without a continuation mark at its end."""
    return (line + " ").replace("@@ ", "").rstrip()
