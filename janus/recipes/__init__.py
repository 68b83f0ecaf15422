"""One file a corpus: from its downloads to pairs of sentences."""
