"""`--task janus`: training and decoding of a method in this suite's model, on sentence pairs or running text."""

from argparse import Namespace
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from fairseq.data import Dictionary, LanguagePairDataset
from fairseq.dataclass import ChoiceEnum
from fairseq.tasks import register_task
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from omegaconf import II

from janus.decoding.decoding import Decoding
from janus.dictionary import MASK
from janus.errors import InputError
from janus.methods.base.batch import Symbols
from janus.methods.base.method import Method
from janus.methods.base.registry import core_method
from janus.plugin.dataset import PackedDataset
from janus.plugin.generators import Generator
from janus.plugin.pairs import load_pairs, pairs_to_decode
from janus.plugin.text import load_blocks, read_text_dictionary
from janus.plugin.validation import ValidationOptions, ValidationTask, read_mapping

_PAPER = "{losses: {ar: 1, nar: 1, aux: 1, kl_ar_aux: 2, kl_nar_aux: 2, length: 0.1}, reduction: sum}"
_LOADERS = {"pairs": load_pairs, "text": load_blocks}


@dataclass
class JanusConfig(ValidationOptions, TranslationConfig):
    """The method, how running text is split, and how fairseq-generate decodes."""

    seed: int = II("common.seed")
    method: str = field(
        default="joint", metadata={"help": "a method of janus/methods, or the path of a .py file that defines one"}
    )
    method_options: str = field(
        default=_PAPER, metadata={"help": "its options, as YAML or JSON; the default is the paper's recipe of `joint`"}
    )
    tokens_per_sample: int = field(default=512, metadata={"help": "text: tokens of a block, bos and eos included"})
    sample_break_mode: ChoiceEnum(["none", "complete", "complete_doc"]) = field(
        default="complete_doc", metadata={"help": "text: what a block may split: anything, no sentence, no document"}
    )
    decoding: str = field(
        default="{manner: ar}",
        metadata={"help": "how fairseq-generate decodes: '{manner: nar, passes: 11}'; of AR, fairseq's own options"},
    )


@register_task("janus", dataclass=JanusConfig)
class JanusTask(ValidationTask, TranslationTask):
    """Trains a method; the loss that fairseq builds decides whether batches are packed."""

    def __init__(self, cfg: JanusConfig, source_dictionary: Dictionary, target_dictionary: Dictionary):
        super().__init__(cfg, source_dictionary, target_dictionary)
        self.method = task_method(cfg)
        self.updates, self.packs = 0, False

    @classmethod
    def setup_task(cls, cfg: JanusConfig, **unused: Any) -> Self:
        """Read the dictionaries of the pairs, or that of the text."""
        if task_method(cfg).data == "text":
            dictionary = read_text_dictionary(cfg.data)
            return cls(cfg, dictionary, dictionary)
        return super().setup_task(cfg, **unused)

    @property
    def symbols(self) -> Symbols:
        """The special symbols of the target dictionary."""
        words = self.target_dictionary
        mask = words.index(MASK) if MASK in words else None
        return Symbols(words.bos(), words.pad(), words.eos(), words.unk(), mask)

    def build_criterion(self, cfg, from_checkpoint: bool = False):
        """fairseq's criterion, which reads packed batches; without one (decoding) they are plain pairs."""
        self.packs = True
        return super().build_criterion(cfg, from_checkpoint)

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **unused: Any) -> None:
        """Load a split of the pairs or of the text."""
        loaded = _LOADERS[self.method.data](self, split, epoch, combine)
        if self.packs:
            pack = partial(_pack, self.method, self.symbols)
            loaded = PackedDataset(loaded, pack, seed=self.cfg.seed, fixed=split != self.cfg.train_subset)
        self.datasets[split] = loaded

    def train_step(self, sample, model, criterion, optimizer, update_num, ignore_grad=False):
        """fairseq's step; the loss may depend on the number of updates."""
        self.updates = update_num
        return super().train_step(sample, model, criterion, optimizer, update_num, ignore_grad)

    def build_dataset_for_inference(self, src_tokens, src_lengths, constraints=None) -> LanguagePairDataset:
        """Raw sources for fairseq-interactive, bos added."""
        if constraints is not None:
            raise InputError("constraints are not supported", where="--constraints", fix="leave the option out")
        return pairs_to_decode(self, src_tokens, src_lengths)

    def build_generator(self, models, args: Namespace, **unused) -> Generator:
        """The decoder for `--decoding`, with fairseq's beam options for AR."""
        chosen = read_mapping(self.cfg.decoding, "--decoding")
        beam = {}
        if chosen.get("manner") == "ar":
            beam = {
                "beam": args.beam,
                "lenpen": args.lenpen,
                "max_len_a": args.max_len_a,
                "max_len_b": args.max_len_b,
                "shortest": args.min_len,
            }
        decoding = Decoding.of(**{"method": self.method.name, **beam, **chosen})
        return Generator(decoding, {self.target_dictionary.bos(), self.target_dictionary.eos()})


def task_method(cfg: JanusConfig) -> Method:
    """The method that the options of a task name. Raises InputError if there is no such method."""
    return core_method(cfg.method, read_mapping(cfg.method_options, "--method-options"))


def _pack(method: Method, symbols: Symbols, source, target, generator) -> dict[str, Any]:
    return method.pack(source, target, symbols, generator)
