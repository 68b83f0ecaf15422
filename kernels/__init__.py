"""Fused operators of training and decoding: Triton on a GPU, C++ on a CPU, or plain PyTorch for other types.

attention: packed attention over spans. joint_loss: all losses over the vocabulary. residual_norm: residual, dropout and
layer normalisation. cached_attention, top_words and packed_linear: decoding. bench: benchmarks of single operators.
"""
