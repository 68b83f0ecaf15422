"""Parallel corpora: fetching, extracting, cleaning, tokenising, splitting into subwords; generated demo corpora."""
