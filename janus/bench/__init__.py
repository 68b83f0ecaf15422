"""`python -m janus.bench`: how fast training and decoding are, beside rivals and beside what the arithmetic demands."""
