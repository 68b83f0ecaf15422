"""fairseq tasks: joint training, and the two baselines with only validation BLEU added."""

from argparse import Namespace
from dataclasses import dataclass, field

from fairseq.data import LanguagePairDataset
from fairseq.dataclass import ChoiceEnum
from fairseq.tasks import register_task
from fairseq.tasks.translation import TranslationConfig, TranslationTask, load_langpair_dataset
from fairseq.tasks.translation_lev import TranslationLevenshteinConfig, TranslationLevenshteinTask
from omegaconf import II

from janus.decoding.mask_predict import CANDIDATES, SCORES
from janus.decoding.settings import Settings, decoding_settings
from janus.errors import InputError
from janus.plugin.criterion import weights_of
from janus.plugin.dataset import JointDataset, Packing
from janus.plugin.generators import Generator
from janus.plugin.shared import AutocastOption, AutocastTask, JointTask
from janus.plugin.validation import ValidationBleu


@dataclass
class SharedOptions(AutocastOption):
    """Options that every translation task of this plugin has."""

    valid_bleu_sentences: int = field(default=0, metadata={"help": "validation sentences decoded for BLEU; 0 for none"})
    valid_bleu_manners: str = field(default="", metadata={"help": "manners to decode: ar, nar or ar,nar"})
    valid_bleu_passes: int = field(default=5, metadata={"help": "decoder passes of the NAR manner"})
    length_beam: int = field(default=3, metadata={"help": "NAR: length candidates"})
    length_candidates: ChoiceEnum(list(CANDIDATES)) = field(
        default="around", metadata={"help": "NAR: lengths around the most probable one, or the most probable ones"}
    )
    length_score: ChoiceEnum(list(SCORES)) = field(
        default="default",
        metadata={"help": "NAR: what ranks the candidates; the default is release for around, average for top"},
    )
    repredict: bool = field(default=False, metadata={"help": "NAR: predict every cell again in each pass (CMLMC)"})


def mask_predict_settings(cfg: SharedOptions, passes: int) -> Settings:
    """The NAR settings of a task, in validation and in fairseq-generate, with the given number of passes."""
    return decoding_settings(
        manner="nar",
        passes=passes,
        length_beam=cfg.length_beam,
        length_candidates=str(cfg.length_candidates),
        length_score=str(cfg.length_score),
        repredict=cfg.repredict,
    )


class SharedTask(AutocastTask):
    """Adds to a task: BLEU counts at validation, on the first sentences of the set."""

    def __init__(self, cfg, source_dictionary, target_dictionary):
        super().__init__(cfg, source_dictionary, target_dictionary)
        settings = {
            # Greedy and short: a model that does not end its sentences yet must not make validation slow.
            "ar": decoding_settings(manner="ar", beam=1, max_len_a=1.5, max_len_b=10),
            "nar": mask_predict_settings(cfg, cfg.valid_bleu_passes),
        }
        manners = [m for m in cfg.valid_bleu_manners.split(",") if m]
        if unknown := set(manners) - set(settings):
            raise InputError(
                f"unknown manner {sorted(unknown)[0]}", where="--valid-bleu-manners", fix="use ar, nar or both"
            )
        chosen = {manner: settings[manner] for manner in manners}
        self.bleu = ValidationBleu(target_dictionary, cfg.valid_bleu_sentences, chosen)

    def valid_step(self, sample, model, criterion):
        """The loss of a batch, and n-gram counts of its decoded outputs."""
        loss, sample_size, logged = super().valid_step(sample, model, criterion)
        if self.cfg.valid_bleu_sentences:
            logged.update(self.bleu.log(model, sample))
        return loss, sample_size, logged

    def reduce_metrics(self, logging_outputs, criterion):
        """What the criterion logs, and BLEU."""
        super().reduce_metrics(logging_outputs, criterion)
        self.bleu.reduce(logging_outputs)


@dataclass
class JanusTranslationConfig(SharedOptions, TranslationConfig):
    """Masks of training, and how fairseq-generate decodes."""

    seed: int = II("common.seed")
    masking: ChoiceEnum(["span", "uniform"]) = field(
        default="span", metadata={"help": "which target tokens are hidden"}
    )
    mask_budget: float = field(default=0.7, metadata={"help": "span masking: share of the target that spans add up to"})
    mask_poisson: float = field(default=2.0, metadata={"help": "span masking: mean span length (section 3.2)"})
    corruption: float = field(default=0.3, metadata={"help": "share of observed tokens the correction loss replaces"})
    manner: ChoiceEnum(["ar", "nar"]) = field(default="ar", metadata={"help": "how fairseq-generate decodes"})
    passes: int = field(default=11, metadata={"help": "NAR: decoder passes; the paper's Iter k is k + 1"})


@register_task("janus_translation", dataclass=JanusTranslationConfig)
class JanusTranslationTask(JointTask, SharedTask, TranslationTask):
    """Joint AR and NAR training on sentence pairs, bos before both sides."""

    packing: Packing | None = None

    def build_criterion(self, cfg, from_checkpoint: bool = False):
        """Build the loss, whose streams determine those of the batches."""
        weights = weights_of(cfg)
        self.packing = Packing(
            seed=self.cfg.seed,
            pad=self.tgt_dict.pad(),
            mask=self.tgt_dict.unk(),
            ar=weights.reads_ar,
            nar=weights.reads_nar,
            aux=weights.reads_aux,
            query_position=self.query_position,
            ar_readout=self.ar_readout,
            masking=str(self.cfg.masking),
            budget=self.cfg.mask_budget,
            poisson=self.cfg.mask_poisson,
            corruption=self.cfg.corruption if weights.correction else 0.0,
        )
        return super().build_criterion(cfg, from_checkpoint)

    def load_dataset(self, split, epoch=1, combine=False, **unused):
        """Load a split; batches are packed if a criterion exists, otherwise (decoding) they are plain pairs."""
        pairs = load_pairs(self, split, epoch, combine)
        fixed = split != self.cfg.train_subset
        self.datasets[split] = pairs if self.packing is None else JointDataset(pairs, self.packing, fixed=fixed)

    def build_dataset_for_inference(self, src_tokens, src_lengths, constraints=None):
        """Raw sources for fairseq-interactive, bos added."""
        if constraints is not None:
            raise InputError("constraints are not supported", where="--constraints", fix="leave the option out")
        return LanguagePairDataset(src_tokens, src_lengths, self.source_dictionary, append_bos=True)

    def build_generator(self, models, args: Namespace, **unused):
        """The decoder for `--manner`, with fairseq's beam options for AR."""
        if str(self.cfg.manner) == "nar":
            settings = mask_predict_settings(self.cfg, self.cfg.passes)
        else:
            settings = decoding_settings(
                manner="ar",
                beam=args.beam,
                lenpen=args.lenpen,
                max_len_a=args.max_len_a,
                max_len_b=args.max_len_b,
                shortest=args.min_len,
            )
        return Generator(settings, {self.tgt_dict.bos(), self.tgt_dict.eos()})


def load_pairs(task: TranslationTask, split: str, epoch: int, combine: bool) -> LanguagePairDataset:
    """fairseq's own loader, with bos before source and target as NAR models need it."""
    paths = task.cfg.data.split(":")
    path = paths[(epoch - 1) % len(paths)] if split == task.cfg.train_subset else paths[0]
    return load_langpair_dataset(
        path,
        split,
        task.cfg.source_lang,
        task.src_dict,
        task.cfg.target_lang,
        task.tgt_dict,
        combine=combine,
        dataset_impl=task.cfg.dataset_impl,
        upsample_primary=task.cfg.upsample_primary,
        left_pad_source=task.cfg.left_pad_source,
        left_pad_target=task.cfg.left_pad_target,
        max_source_positions=task.cfg.max_source_positions,
        max_target_positions=task.cfg.max_target_positions,
        prepend_bos=True,
        shuffle=split != "test",
    )


@dataclass
class ArBaselineConfig(SharedOptions, TranslationConfig):
    """fairseq's translation options."""


@register_task("janus_ar_baseline", dataclass=ArBaselineConfig)
class ArBaselineTask(SharedTask, TranslationTask):
    """fairseq's `translation`, with validation BLEU."""


@dataclass
class CmlmBaselineConfig(SharedOptions, TranslationLevenshteinConfig):
    """fairseq's translation_lev options."""


@register_task("janus_cmlm_baseline", dataclass=CmlmBaselineConfig)
class CmlmBaselineTask(SharedTask, TranslationLevenshteinTask):
    """fairseq's `translation_lev`, with validation BLEU."""
