"""The title model begun from an earlier one: its n-grams and new ones, the weights of the classes that stay."""

import numpy as np
import torch

from models.config import TitleModelConfig
from models.features import N_SEGMENTS, NgramVocabulary
from models.predictor import TitleModel
from models.title_network import TitleNetwork
from models.types import FitTask
from models.warm_start import ROWS_AT_ONCE, Earlier, copy_classes, find_earlier, mix_classes

# what n-grams and pieces are, and how large a layer is
_SAME = ("max_title_characters", "char_ngrams", "word_ngrams", "idf_power", "vocabulary_size", "max_full_rank_classes",
         "rank", "piece_dim", "hidden_dim", "head")  # fmt: skip


def find_earlier_title_model(task: FitTask, config: TitleModelConfig) -> Earlier[TitleModel] | None:
    """The earlier model if this fit can begin from it; see `find_earlier`."""
    settings, limit = config.to_dict(), config.max_full_rank_classes

    def obstacle(model: TitleModel) -> str | None:
        if config.head == "hierarchical":
            return "a hierarchical head has outputs for one tree, and the tree may be another."
        alike = model.network.full_rank == (len(task.class_ids) <= limit)
        return None if alike else f"only one of both models has more than {limit} categories."

    return find_earlier(task, TitleModel, {name: settings[name] for name in _SAME}, obstacle)


def extend_vocabulary(known: NgramVocabulary, learned: NgramVocabulary, most: int) -> NgramVocabulary:
    """The n-grams of both, with the idf of the texts at hand where they have the n-gram.

    `known` ones that the texts lack are kept while there is room: what was learned of them still holds. At most
    `most` n-grams, or those of `learned` if they are more.
    """
    room = max(0, most - len(learned))
    hashes, idf, sizes = [], [], [0]
    for segment in range(N_SEGMENTS):
        own = slice(learned.starts[segment], learned.starts[segment + 1])
        old = slice(known.starts[segment], known.starts[segment + 1])
        _, found = learned.find(segment, known.hashes[old])
        gone = np.flatnonzero(~found)[:room]
        room -= len(gone)
        names = np.concatenate([learned.hashes[own], known.hashes[old][gone]])
        order = np.argsort(names, kind="stable")
        hashes.append(names[order])
        idf.append(np.concatenate([learned.idf[own], known.idf[old][gone]])[order])
        sizes.append(len(names))
    return NgramVocabulary(np.concatenate(hashes), np.concatenate(idf), np.cumsum(sizes))


@torch.no_grad()
def begin_from(earlier: Earlier[TitleModel], network: TitleNetwork, vocabulary: NgramVocabulary) -> None:
    """Copy into a fresh network what the earlier one knows. Other classes and n-grams stay as they are made."""
    old = earlier.model.network
    _copy_ngrams(earlier, network, vocabulary)
    network.piece_table.copy_(old.piece_table)
    network.hidden.load_state_dict(old.hidden.state_dict())
    copy_classes(network.piece_to_class.weight, old.piece_to_class.weight, earlier)
    copy_classes(network.piece_to_class.bias, old.piece_to_class.bias, earlier)


def _copy_ngrams(earlier: Earlier[TitleModel], network: TitleNetwork, vocabulary: NgramVocabulary) -> None:
    """A table with a column a class takes over the columns that stay, one of `rank` columns all of them."""
    old, before = earlier.model.network, earlier.model.vocabulary
    if isinstance(network.ngram_to_class, torch.nn.Linear):
        copy_classes(network.ngram_to_class.weight, old.ngram_to_class.weight, earlier)  # type: ignore[arg-type]
    for segment in range(N_SEGMENTS):
        first, last = before.starts[segment : segment + 2]
        for start in range(first, last, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, last)
            places, found = vocabulary.find(segment, before.hashes[start:stop])
            rows = torch.from_numpy(places[found]).to(network.ngram_table.device)
            values = old.ngram_table[start:stop][torch.from_numpy(found)]
            if network.full_rank:
                values = mix_classes(values.T, earlier, network.ngram_table.shape[1]).T
            network.ngram_table.index_copy_(0, rows, values.to(network.ngram_table.device))
