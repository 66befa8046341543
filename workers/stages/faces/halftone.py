"""Printed pictures are dots: finds the distance of a halftone's dots and smooths them into tones."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from workers.stages.raster.arrays import Floats, Grey, Indices

MIN_DOTS_PX, MAX_DOTS_PX = 2.2, 12.0  # px: distances of dots that are looked for
TILE_PX, TILES = 128, 3  # the spectrum is averaged over 3 x 3 tiles of this side
MIN_TILE_PX = 48
MIN_VARIANCE = 9.0  # variance: an even tile says nothing
MIN_PEAK_RATIO = 50.0  # a screen's peaks over the median at their distance; photographs reach 10, halftones over 500
SMOOTHING_PITCHES = 0.5  # standard deviation of the blur by the distance of the dots
TWO_TONE_DOTS_PX = 2.0  # what a picture of two tones only is smoothed by, as if its dots were that far apart
MIN_TWO_TONE_SHARE = 0.95  # of the pixels that are nearly black or nearly white


def descreen(grey: Grey) -> Grey:
    """Return `grey` (h, w) with its halftone dots smoothed away; a photograph comes back as it is."""
    pitch = halftone_pitch(grey) or (TWO_TONE_DOTS_PX if has_two_tones(grey) else None)
    if pitch is None:
        return grey
    return cv2.GaussianBlur(grey, (0, 0), SMOOTHING_PITCHES * pitch)


def has_two_tones(grey: Grey) -> bool:
    """Tell whether nearly every pixel is black or white: a bi-level scan."""
    sample = grey[::3, ::3]
    black, white = int(sample.min()), int(sample.max())
    slack = (white - black) // 16
    return bool(np.mean((sample <= black + slack) | (sample >= white - slack)) >= MIN_TWO_TONE_SHARE)


def halftone_pitch(grey: Grey) -> float | None:
    """Return the distance of a halftone's dots in pixels, None where there is no halftone.

    A screen shows in the power spectrum as a peak and its twin at a right angle; edges and weaves have no such twin.
    """
    spectrum = _mean_spectrum(grey)
    if spectrum is None:
        return None
    side = len(spectrum)
    frequency = np.fft.fftfreq(side)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    height = _over_ring_median(spectrum, np.rint(radius * side).astype(np.intp))
    height[(radius < 1 / MAX_DOTS_PX) | (radius > 1 / MIN_DOTS_PX)] = 0
    height[:2], height[-1], height[:, :2], height[:, -1] = 0, 0, 0, 0  # the picture's own borders and blocks of JPEG
    row, column = np.unravel_index(np.argmax(height), height.shape)
    around = np.arange(-1, 2)
    twin = height[np.ix_((column + around) % side, (-row + around) % side)].max()
    return float(1 / radius[row, column]) if min(height[row, column], twin) > MIN_PEAK_RATIO else None


def _over_ring_median(spectrum: Floats, ring: Indices) -> Floats:
    """Divide each value by the median of all at the same distance from the centre."""
    order = np.argsort(ring, axis=None)
    rings = np.split(spectrum.ravel()[order], np.cumsum(np.bincount(ring.ravel()))[:-1])
    medians = np.array([max(float(np.median(values)), 1e-9) for values in rings])
    return spectrum / medians[ring]


def _mean_spectrum(grey: Grey) -> Floats | None:
    spectra = [spectrum for tile in _tiles(grey) if (spectrum := _spectrum(tile)) is not None]
    return np.mean(spectra, axis=0) if spectra else None


def _spectrum(tile: Grey) -> Floats | None:
    values = tile.astype(np.float64) - tile.mean()
    variance = values.var()
    if variance < MIN_VARIANCE:
        return None
    window = np.hanning(len(tile))
    return np.abs(np.fft.fft2(values * np.outer(window, window))) ** 2 / variance


def _tiles(grey: Grey) -> Iterator[Grey]:
    side = min(TILE_PX, *grey.shape)
    if side < MIN_TILE_PX:
        return
    rows, columns = (np.linspace(0, length - side, max(1, min(TILES, length // side))) for length in grey.shape)
    for row in rows.astype(int):
        for column in columns.astype(int):
            yield grey[row : row + side, column : column + side]
