"""fairseq seen from outside: running its training, reading its log. Nothing here imports fairseq."""
