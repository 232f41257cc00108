"""Every number that the recipe may vary, with the values that made the shipped models."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """Static quantisation of the frozen backbone."""

    calibration_pictures: int = 320
    activations: str = "uint8"
    weights: str = "int8"
    reduce_range: bool = False  # 7-bit weights everywhere
    pointwise_reduce_range: bool = True  # 7-bit weights where channels are mixed, 8-bit in depthwise convolutions


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """Contrastive training of both projections on frozen features; chosen on 800 photos of `train`."""

    seed: int = 7
    epochs: int = 40
    batch: int = 768
    learning_rate: float = 2e-3
    weight_decay: float = 0.5
    image_dropout: float = 0.7
    text_dropout: float = 0.1
    feature_noise: float = 0.1
    label_smoothing: float = 0.1
    caption_mix: float = 0.5  # of the Dirichlet distribution; the smaller, the more one caption leads
    temperature: float = 0.07  # at the start; learned


@dataclass(frozen=True, slots=True)
class QualityConfig:
    """The small net on statistics of lower layers."""

    seed: int = 7
    pictures: int = 220  # each in 24 gradings
    hidden: int = 48
    dropout: float = 0.1
    epochs: int = 40
    batch: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.01


@dataclass(frozen=True, slots=True)
class PrintConfig:
    """The discriminant and the quantising rotation behind the print."""

    seed: int = 7
    pictures: int = 500  # each in 8 edits
    components: int = 600  # of the layout, before the discriminant
    ridge: float = 0.1  # of the mean variance that edits cause
    equalise: float = 0.5  # 0 keeps the spread of directions, 1 makes all alike
    rotations: int = 40  # rounds of iterative quantisation


@dataclass(frozen=True, slots=True)
class SaliencyConfig:
    """The linear probe on maps; few pictures, so much decay."""

    seed: int = 7
    epochs: int = 150  # of one step over all pictures
    learning_rate: float = 1e-2
    weight_decay: float = 0.3


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """Linear probes: utility and the supervised part of the scene head."""

    seed: int = 7
    components: int = 384
    epochs: int = 10
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.3
    dropout: float = 0.3


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """How three witnesses become one probability, and when a tag is said."""

    enough: int = 25  # pictures that must show a tag before it has weights of its own
    folds: int = 3  # the probe's scores come from folds that it wasn't fitted on
    unlisted: float = 0.1  # weight of the tags that a folder's name says nothing about
    ridge: float = 5.0
    precision: float = 0.9
    least_seen: int = 8  # pictures above a threshold before it is believed
    lowest: float = 0.3
    most_common: float = 0.4  # share of an ordinary library that a tag is taken to be on, at most
    atypical: float = 0.15  # share of the pictures of a tag that may stay unsaid for being unlike the others
    background: float = 0.0003  # share of ordinary pictures that may lie at even odds of a tag without data
    margin: float = 0.5  # on top, in log-odds


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of it."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)
    prints: PrintConfig = field(default_factory=PrintConfig)
    saliency: SaliencyConfig = field(default_factory=SaliencyConfig)
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    utility: ProbeConfig = field(default_factory=lambda: ProbeConfig(epochs=30, learning_rate=1e-2, weight_decay=0.01))
    scene: SceneConfig = field(default_factory=SceneConfig)
