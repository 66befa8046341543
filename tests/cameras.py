"""Films for Chromium's fake camera, and the scenes in them: a sheet on a desk, nothing at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

# clockwise from the left upper one, in pixels of the scene
CORNERS = np.array([[210.0, 130.0], [1010.0, 90.0], [1080.0, 1180.0], [150.0, 1120.0]])
SCENE = (1300, 1250)  # height, width

FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def photographed(sheet: NDArray[np.uint8], corners: NDArray[np.float64] = CORNERS, desk: int = 70) -> NDArray[np.uint8]:
    """Return a sheet (h, w) uint8 seen from aside on a desk with a grain."""
    height, width = sheet.shape
    scene = np.random.default_rng(5).normal(desk, 6, SCENE).clip(0, 255).astype(np.uint8)
    flat = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    way = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    seen = cv2.warpPerspective((sheet * 0.85).astype(np.uint8), way, scene.shape[::-1])
    mask = cv2.warpPerspective(np.full_like(sheet, 255), way, scene.shape[::-1])
    scene[mask > 128] = seen[mask > 128]
    return np.asarray(cv2.GaussianBlur(scene, (3, 3), 0), np.uint8)


def film(path: Path, scene: NDArray[np.uint8], frames: int = 2) -> str:
    """Write a film of a still grey scene as YUV4MPEG2, and return the option by which Chromium's camera shows it."""
    height, width = (side // 2 * 2 for side in scene.shape)
    colourless = np.full(height * width // 2, 128, np.uint8).tobytes()
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F5:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(frames):
            out.write(b"FRAME\n" + np.ascontiguousarray(scene[:height, :width]).tobytes() + colourless)
    return f"--use-file-for-fake-video-capture={path}"
