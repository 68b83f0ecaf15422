# Included files never set the default target, so it is set here; `profiles` beside this file is a link for the same reason:
# Snakemake looks for the default profile beside the file it starts from.
include: "workflow/Snakefile"


workflow.default_target = "all"
