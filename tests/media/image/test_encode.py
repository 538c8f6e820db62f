"""Images as they are written."""

import io

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile

from tests.helpers import media
from tests.helpers.images import noise, opened
from tests.helpers.jobs import copied
from videostyle.errors import OutputError
from videostyle.media.image import still
from videostyle.media.image.encode import ENCODERS, WITH_ALPHA
from videostyle.media.image.icc import SRGB


def test_16_bits_are_rounded_for_a_jpeg(tmp_path, style):
    cv2.imwrite(str(tmp_path / "p.png"), np.full((8, 8, 3), 200 * 257 + 120, np.uint16))
    copied(tmp_path / "p.png", style, tmp_path / "out.jpg")
    assert set(np.asarray(opened(tmp_path / "out.jpg")).ravel()) == {200}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_output_carries_srgb_and_its_comment(tmp_path, suffix, depth):
    still.write_still(tmp_path / f"p{suffix}", noise(8, 9, 3, depth=depth), "how")
    image = opened(tmp_path / f"p{suffix}")
    assert image.info["icc_profile"] == SRGB
    said = image.tag_v2[305] if suffix == ".tif" else image.info.get("Comment") or image.info["comment"].decode()
    assert said == "how"
    assert [p.name for p in tmp_path.iterdir()] == [f"p{suffix}"]


def test_an_image_is_written_as_an_image_only(tmp_path, style):
    with pytest.raises(OutputError, match=r"\.tiff"):
        copied(style, style, tmp_path / "out.bmp")


@pytest.mark.parametrize("suffix", ENCODERS)
@pytest.mark.parametrize("depth", [8, 16])
def test_an_image_is_read_as_it_was_encoded(suffix, depth):
    pixels, alpha = media.texture(16, 12).astype(f"u{depth // 8}") * (257 if depth == 16 else 1), None
    if suffix in WITH_ALPHA:
        alpha = noise(12, 16, depth=depth)
    data = ENCODERS[suffix](pixels, alpha, "how")
    if alpha is None:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert media.psnr(image[..., ::-1], media.texture(16, 12)) > 35
    else:
        image = imagecodecs.png_decode(data) if suffix == ".png" else tifffile.imread(io.BytesIO(data))
        np.testing.assert_array_equal(image, np.dstack([pixels, alpha]))
