"""Print what makes a shell complete the commands and options of janus.

For this session alone: eval "$(janus completion bash)", the same with zsh, or janus completion fish | source.

In zsh, completion must be on before: `autoload -Uz compinit; compinit` has to stand above the script in ~/.zshrc.

Examples:
  janus completion bash >> ~/.bashrc
  janus completion zsh >> ~/.zshrc
  janus completion fish > ~/.config/fish/completions/janus.fish
"""

import argparse

_SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("shell", choices=_SHELLS, help="the shell that is to complete")


def run(options: argparse.Namespace) -> None:
    """Print the script."""
    import argcomplete

    print(argcomplete.shellcode(["janus"], shell=options.shell), end="")
