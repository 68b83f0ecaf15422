"""Translate text with any checkpoint.

The text is cleaned, tokenised, lower-cased and split into subwords as the model's corpus was, and outputs are
detokenised. Output lines stand in the order of the input, one for each; an empty line stays empty. How it decodes is
how the run's tables were decoded, unless options say otherwise; a line on stderr tells.

Of a checkpoint outside the workflow (fairseq's own), the dictionary and the BPE codes are sought beside it
(dict.LANGUAGE.txt, codes), and text is Moses-tokenised.

Examples:
  echo 'ein hund läuft .' | janus translate results/demo/demo.iwslt14.de-en/janus-paper/seed-1
  janus translate RUN --input news.de > news.en
  janus translate RUN --manner nar --passes 4 --show-steps < news.de
  janus translate RUN --beam 10 --nbest 3 --json < news.de
  janus translate checkpoint_best.pt --dictionary dict.de.txt --codes bpe.codes --lowercase < news.de
"""

import argparse
import itertools
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from janus.cli.values import language, positive, setting

if TYPE_CHECKING:
    from janus.translator.translator import Translation

_FORMS = ("text", "tokens", "subwords")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a run, results/TIER/CORPUS/SYSTEM/seed-N, or a checkpoint"
    )
    parser.add_argument(
        "--input", type=Path, action="append", metavar="FILE", help="text, a sentence a line (repeatable); or stdin"
    )
    how = parser.add_argument_group("how it decodes")
    how.add_argument(
        "--manner", choices=("ar", "nar"), help="left to right, or in parallel; by default the first it has"
    )
    how.add_argument(
        "--decoder", default="", metavar="NAME", help="a decoder of janus/decoding instead of the method's"
    )
    how.add_argument("--passes", type=positive, metavar="N", help="decoder passes of a decoder that refines")
    how.add_argument("--beam", type=positive, metavar="N", help="hypotheses of beam search")
    how.add_argument(
        "--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="another setting (repeatable)"
    )
    how.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N; by default cpu")
    how.add_argument(
        "--batch-tokens", type=positive, default=8192, metavar="N", help="bound on the subwords of a batch (8192)"
    )
    how.add_argument(
        "--buffer", type=positive, metavar="N", help="lines read before they are translated (2000; 1 on a terminal)"
    )
    shown = parser.add_argument_group("what is printed")
    shown.add_argument("--nbest", type=positive, default=1, metavar="N", help="N outputs: line number, score, text")
    shown.add_argument("--show-steps", action="store_true", help="what each decoder pass masked, wrote and changed")
    shown.add_argument("--json", action="store_true", help="a JSON object for each line, with scores and probabilities")
    shown.add_argument("--output-as", choices=_FORMS, default="text", help="form of the outputs; by default text")
    shown.add_argument("--quiet", action="store_true", help="do not tell on stderr how it decodes")
    text = parser.add_argument_group("the model's text")
    text.add_argument("--input-is", choices=_FORMS, default="text", help="form of the input; by default text")
    text.add_argument("--corpus", type=Path, metavar="DIR", help="folder of the prepared corpus, if not the run's")
    text.add_argument(
        "--dictionary",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="fairseq's dict.LANGUAGE.txt; of two, the first is the source's",
    )
    text.add_argument("--codes", type=Path, metavar="FILE", help="BPE codes of subword-nmt, or the folder of GPT-2's")
    text.add_argument("--source", type=language, metavar="CODE", help="language of the input, for Moses' tokeniser")
    text.add_argument("--target", type=language, metavar="CODE", help="language of the outputs, for the detokeniser")
    text.add_argument("--lowercase", action="store_true", help="the model's text was lower-cased")


def run(options: argparse.Namespace) -> None:
    """Translate the input."""
    from janus.console import write_data_in_utf8

    # Before the model is loaded, which may take long.
    _require_input(options.input)
    settings = _settings(options)
    write_data_in_utf8()

    from janus.translator.found import settings_text
    from janus.translator.translator import load

    translator = load(
        options.model,
        corpus=options.corpus,
        dictionaries=options.dictionary,
        codes=options.codes,
        source=options.source or "",
        target=options.target or "",
        lowercase=options.lowercase,
        device=options.device,
    )
    decoding = translator.found.decoding(manner=options.manner or "", decoder=options.decoder, **settings)
    if not options.quiet:
        print(f"{translator.found.checkpoint}: {settings_text(decoding)}", file=sys.stderr, flush=True)
    for where, first, lines in _windows(options.input, options.buffer):
        found = translator.translations(
            lines,
            decoding=decoding,
            given=options.input_is,
            wanted=options.output_as,
            best=options.nbest,
            steps=options.show_steps,
            batch_tokens=options.batch_tokens,
            where=where,
            first=first,
        )
        for number, one in enumerate(found, first):
            if one.cut:
                print(f"{where}:{number}: the last {one.cut} subwords are not read", file=sys.stderr)
            print(*_printed(one, number, options), sep="\n")
        sys.stdout.flush()


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of the decoder that are given. Raises InputError for one that is given twice."""
    from janus.errors import InputError

    own = [(key, getattr(options, key)) for key in ("passes", "beam") if getattr(options, key)]
    settings: dict[str, Any] = {}
    for key, value in [*own, *options.set]:
        if key in settings:
            raise InputError(f"{key} is given twice", where="--set", fix="give it once")
        settings[key] = value
    return settings


def _require_input(files: list[Path] | None) -> None:
    """Raise InputError where there is nothing to read the text from."""
    from janus.errors import InputError
    from janus.files import require_file

    for file in files or ():
        require_file(file, fix="correct the path")
    # Python has no object for a standard input that is closed.
    if not files and sys.stdin is None:
        raise InputError("is closed", where="stdin", fix="give the text by a pipe, or name a file: --input")


def _windows(files: list[Path] | None, size: int | None) -> Iterator[tuple[str, int, list[str]]]:
    """The input in parts: its name, the number of the part's first line, and lines."""
    from janus.files import decode_lines

    for file in files or [None]:
        live = file is None and sys.stdin.isatty()
        if live:
            print("a sentence a line; Ctrl-D ends", file=sys.stderr)
        name = str(file or "stdin")
        with open(file, "rb") if file else sys.stdin.buffer as stream:
            lines, first = decode_lines(stream, name), 1
            while part := list(itertools.islice(lines, size or (1 if live else 2000))):
                yield name, first, part
                first += len(part)


def _printed(one: "Translation", number: int, options: argparse.Namespace) -> Iterator[str]:
    """The lines that are printed of a translation."""
    from janus.console import json_text, styled, wants_colour
    from janus.errors import without_control
    from janus.translator.steps import show_passes

    if options.json:
        yield json_text({"line": number} | asdict(one))
        return
    colour = wants_colour(sys.stdout)
    if options.show_steps:
        yield f"{number}. {styled(without_control(one.source), 'cyan', colour=colour)}"
        width = shutil.get_terminal_size((100, 24)).columns
        yield from show_passes(one.outputs[0].passes, width=width, colour=colour)
    for output in one.outputs:
        if options.nbest > 1:
            yield f"{number}\t{output.score:.4f}\t{output.text}"
        else:
            yield f"  →  {without_control(output.text)}" if options.show_steps else output.text
