"""Parallel corpora: fetched, extracted, cleaned, tokenised, cut into subwords; and the generated demo corpora."""
