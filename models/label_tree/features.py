"""Products as rows of one matrix: n-grams, and beside them a few dense columns (averaged subwords, image features)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.config import TitleModelConfig
from models.features import N_PIECE_FIELDS, NgramVocabulary, encode, learn_vocabulary, normalise_texts
from models.label_tree.config import LabelTreeConfig
from models.tokenizer import Tokenizer, train_tokenizer
from models.types import LabeledProducts, Products

ROWS = 10_000  # encoded at a time: bounds the memory
_SVD_ROWS = 200_000  # the embeddings of subwords are learned from so many rows at most


@dataclass(frozen=True)
class FeatureMaker:
    """Turns products into rows (N, R + D + F): R n-grams, D averaged subwords, F image features."""

    vocabulary: NgramVocabulary
    tokenizer: Tokenizer  # without pieces where there is no dense part
    directions: NDArray[np.float32]  # (3V, D): the embedding of each piece in each field; D may be 0
    n_image: int  # F; 0 when the model reads no images
    config: LabelTreeConfig

    @property
    def n_sparse(self) -> int:
        """Columns before this one are n-grams."""
        return len(self.vocabulary)

    @property
    def n_columns(self) -> int:
        return self.n_sparse + self.directions.shape[1] + self.n_image

    def rows(self, products: Products) -> sparse.csr_matrix:
        """(N, R + D + F) float32. Rows are independent of each other."""
        text = self.config.text()
        texts = normalise_texts(products, text.max_title_characters)
        encoded = encode(texts, self.vocabulary, self.tokenizer, text)
        parts = [encoded.ngrams]
        if self.directions.shape[1]:
            parts.append(_dense(encoded.pieces @ self.directions, self.config.dense_weight))
        if self.n_image:
            images = np.zeros((len(products), self.n_image), np.float32)
            if products.images is not None:
                seen = products.images.present
                images[seen] = products.images.features[seen]
            parts.append(_dense(images, self.config.image_weight))
        return sparse.csr_matrix(parts[0] if len(parts) == 1 else sparse.hstack(parts, format="csr"))


def learn_features(train: LabeledProducts, config: LabelTreeConfig) -> FeatureMaker:
    """Vocabulary, and embeddings of subwords where the settings want them, from the training rows."""
    text: TitleModelConfig = config.text()
    products = train.products
    texts = normalise_texts(products, text.max_title_characters)
    vocabulary = learn_vocabulary(texts, text, text.max_ngrams)
    tokenizer, directions = Tokenizer(b""), np.zeros((N_PIECE_FIELDS, 0), np.float32)
    if config.dense_dim:
        corpus = [*texts.titles, *sorted(set(texts.mall_categories)), *sorted(set(texts.brands))]
        tokenizer = train_tokenizer(corpus, config.vocabulary_size, config.seed)
        chosen = np.sort(np.random.default_rng(config.seed).permutation(len(products))[:_SVD_ROWS])
        some = normalise_texts(products.take(chosen), text.max_title_characters)
        directions = _embed_pieces(encode(some, vocabulary, tokenizer, text).pieces, config.dense_dim, config.seed)
    n_image = 0 if products.images is None else products.images.features.shape[1]
    return FeatureMaker(vocabulary, tokenizer, directions, n_image, config)


def without_some_malls(products: Products, share: float, chance: np.random.Generator) -> Products:
    """The same products, a share of them without their mall category, so that titles learn to stand alone."""
    if not share or not any(products.mall_categories):
        return products
    given = np.ones(len(products), np.float32) if products.mall_weights is None else products.mall_weights
    weights = np.where(chance.random(len(products)) < share, 0.0, given).astype(np.float32)
    return Products(products.titles, products.mall_categories, products.brands, weights, products.images)


def _embed_pieces(pieces: sparse.csr_matrix, dim: int, seed: int) -> NDArray[np.float32]:
    """(3V, D): latent semantic analysis of which pieces stand together, rare ones weighing more."""
    from sklearn.utils.extmath import randomized_svd

    n_rows = np.bincount(pieces.indices, minlength=pieces.shape[1])
    idf = (np.log((1 + pieces.shape[0]) / (1 + n_rows)) + 1).astype(np.float32)  # (3V,)
    weighted = pieces @ sparse.diags_array(idf)
    svd: Any = randomized_svd(weighted, min(dim, min(pieces.shape) - 1), random_state=seed)
    return np.ascontiguousarray((idf[:, None] * svd[2].T).astype(np.float32))


def _dense(rows: NDArray[np.float32], length: float) -> sparse.csr_matrix:
    """Rows of one length, so that no part of the features drowns another; 0 stays 0."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return sparse.csr_matrix((rows * (length / np.maximum(norms, 1e-9))).astype(np.float32))
