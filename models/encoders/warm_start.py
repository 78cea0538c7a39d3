"""Beginning a neural text model from an earlier one: tokenizer, embeddings, layers, outputs of shared classes."""

import torch

from models.encoders.config import EncoderConfig
from models.encoders.model import NeuralTextModel
from models.encoders.network import TextNetwork
from models.types import FitTask
from models.warm_start import Earlier, copy_classes, find_earlier

# what decides shapes, or what a token means
_SHARED = ("max_title_characters", "symbols", "char_ngrams", "word_ngrams", "embedding_dim", "layer_sizes",
           "activation", "gru_dim", "gru_layers", "bidirectional")  # fmt: skip


def find_earlier_text_model(task: FitTask, encoder: str, config: EncoderConfig) -> Earlier[NeuralTextModel] | None:
    """The model `task.warm_start` where one of this encoder and settings can begin from it; a note says why not."""
    wanted = config.to_dict() | {"encoder": encoder}
    same = {name: wanted[name] for name in ("encoder", *_SHARED) if name in wanted}

    def obstacle(model: NeuralTextModel) -> str | None:
        if bool(model.prepared.n_buckets) != bool(config.max_ngram_buckets):
            return "only one of the two models has n-grams."
        return None

    return find_earlier(task, NeuralTextModel, same, obstacle)


@torch.no_grad()
def begin_from(earlier: Earlier[NeuralTextModel], network: TextNetwork, head: str) -> None:
    """Copy what the earlier model learned; the outputs of shared classes where both heads have one a class."""
    before, target = earlier.model.network, network.state_dict()
    for name, tensor in before.state_dict().items():
        if not name.startswith("output."):
            target[name].copy_(tensor)
    if head == earlier.model.settings.head and head != "hierarchical":
        copy_classes(network.output.weight, before.output.weight, earlier)
        copy_classes(network.output.bias, before.output.bias, earlier)
