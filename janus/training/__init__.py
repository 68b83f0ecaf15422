"""Running fairseq-train and reading its log. Only the training process imports fairseq."""
