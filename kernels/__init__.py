"""Fused kernels of training and decoding: Triton on a GPU, C++ on a CPU, PyTorch for other dtypes.

Training uses span attention, the joint loss and the label scores over the vocabulary, the loss of word graphs (C++ and
PyTorch alone), and residual layer normalisation; decoding uses cached attention, top-k words and packed linear layers.
`bench` measures them.
"""
