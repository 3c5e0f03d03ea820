"""The quantiser in C finds what a search over every entry finds."""

import numpy as np
import pytest

from antiphon.errors import BundleError
from antiphon.model.timbre import CODES, LATENT, Codebooks


@pytest.fixture
def books(tmp_path):
    entries = np.random.default_rng(2).standard_normal((4, CODES, LATENT)).astype(np.float32) * np.array([1, 0.5, 0.3, 0.2], np.float32)[:, None, None]
    np.save(tmp_path / "codebooks.npy", entries)
    return Codebooks(tmp_path / "codebooks.npy")


def test_every_level_names_the_nearest_entry_to_what_is_left(books):
    """Codes and their sum equal a search in double precision, for 200 latents."""
    for latent in np.random.default_rng(3).standard_normal((200, LATENT)).astype(np.float32):
        left, wanted = latent.astype(float), []
        for entries in books.entries.astype(float):
            wanted.append(np.square(entries - left).sum(1).argmin())
            left = left - entries[wanted[-1]]
        books.encode(latent)
        assert (books.codes == wanted).all()
        assert np.allclose(books.latent, latent - left, atol=1e-6)


def test_codes_return_the_sum_of_their_entries(books):
    codes = np.array([0, 255, 17, 3])
    books.decode(codes)
    assert np.allclose(books.latent, books.entries[np.arange(4), codes].sum(0), atol=1e-6)


@pytest.mark.parametrize("table", [np.zeros((4, CODES, 31), np.float32), np.zeros((CODES, LATENT), np.float32), np.zeros((2, CODES, LATENT))])
def test_another_table_is_refused(tmp_path, table):
    np.save(tmp_path / "codebooks.npy", table)
    with pytest.raises(BundleError, match="expected float32"):
        Codebooks(tmp_path / "codebooks.npy")


def test_a_missing_or_broken_table_is_refused(tmp_path):
    with pytest.raises(BundleError, match="can't be read"):
        Codebooks(tmp_path / "codebooks.npy")
    (tmp_path / "codebooks.npy").write_bytes(b"no table")
    with pytest.raises(BundleError, match="can't be read"):
        Codebooks(tmp_path / "codebooks.npy")
