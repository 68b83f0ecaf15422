"""Running fairseq's training and reading its log. Only the training process imports fairseq."""
