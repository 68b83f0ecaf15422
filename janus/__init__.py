"""JANUS: joint autoregressive and non-autoregressive sequence generation (EMNLP 2022), reproduced and measured."""
