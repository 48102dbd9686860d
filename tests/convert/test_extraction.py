"""Features of many files: the same on any number of cores, and never more of them in memory than in work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from convert.corpora.audio import read_pcm
from convert.errors import CorpusError
from convert.extraction import extract, extraction_speed, features_of
from convert.parallel import in_order
from edge_ser.features import LogMel


def test_features_are_those_of_each_file_by_itself_and_in_order(small_corpora: Path) -> None:
    paths = sorted((small_corpora / "small" / "audio").iterdir())[:5]
    found = list(extract(paths, processes=2))
    assert [each.path for each in found] == paths
    for path, each in zip(paths, found, strict=True):
        pcm = read_pcm(path)
        assert each.seconds == len(pcm) / 16000
        assert each.mfcc.shape == (len(LogMel().push(pcm)), 40)
        np.testing.assert_array_equal(each.mfcc, features_of([path])[0].mfcc)
    speed = extraction_speed(paths)
    assert speed.audio_seconds == pytest.approx(sum(each.seconds for each in found))
    assert speed.times_real_time > 0


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(CorpusError, match=r"broken\.wav"):
        features_of([tmp_path / "broken.wav"])


def test_no_more_is_read_than_is_worked_on() -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        while read < 100:
            read += 1
            yield read

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda item: item * item, items(), ahead=4)
        for nth, result in enumerate(results, 1):
            assert result == nth * nth
            assert read <= nth + 3
    assert read == 100
