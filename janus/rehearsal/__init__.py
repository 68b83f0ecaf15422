"""The rehearsal of a tier: its whole workflow with its own options, on made downloads, with narrow models, in minutes.

| module | what it makes |
|---|---|
| `text` | sentences, tasks and documents |
| `mirror` | the downloads of a manifest, in the layout that their recipes expect |
| `pretrained` | the same for GPT-2's vocabulary and a published BART |
| `narrow` | the tier and the manifest that are run, from the real ones |
| `run` | the run of the workflow, and what is said about it |
"""
