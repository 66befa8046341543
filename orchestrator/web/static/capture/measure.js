// How a picture looks, from its pixels: exposure of the whole, sharpness of a part in full size. Pure.

/** Return {mean, contrast, dark, bright, sharpness} of RGBA pixels; grey levels 0 to 255, shares 0 to 1. */
export function measure(pixels, width, height) {
  const counts = new Uint32Array(256), grey = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < grey.length; at += 1, from += 4) {
    const level = (pixels[from] * 77 + pixels[from + 1] * 150 + pixels[from + 2] * 29) >> 8;
    grey[at] = level;
    counts[level] += 1;
  }
  const total = grey.length;
  const share = (from, to) => counts.slice(from, to + 1).reduce((sum, count) => sum + count, 0) / total;
  const mean = counts.reduce((sum, count, level) => sum + count * level, 0) / total;
  return {
    mean, dark: share(0, 8), bright: share(250, 255),
    contrast: quantile(counts, total, 0.9) - quantile(counts, total, 0.1), sharpness: sharpness(grey, width, height),
  };
}

function quantile(counts, total, share) {
  let seen = 0;
  for (let level = 0; level < 256; level += 1) {
    seen += counts[level];
    if (seen >= share * total) return level;
  }
  return 255;
}

/** Return the mean square of the Laplacian: what is out of focus has none (Pech-Pacheco et al., ICPR 2000). */
function sharpness(grey, width, height) {
  let sum = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const bend = 4 * grey[at] - grey[at - 1] - grey[at + 1] - grey[at - width] - grey[at + width];
      sum += bend * bend;
    }
  }
  return sum / ((width - 2) * (height - 2));
}

/** Return in a sentence why there is no picture, an empty text where there is one. */
export function nothingIn({ dark, bright, contrast, sharpness: sharp }) {
  if (dark > 0.98) return "The picture is black: open the lid of the camera, or let another program go that holds it.";
  if (bright > 0.98) return "The picture is white: there is too much light, or nothing in front of the camera.";
  if (contrast < 6 && sharp < 4) return "The picture is empty: one tone all over. Is the camera covered, or turned away?";
  return "";
}

/** Return {level, word} of the exposure: level from 0 (black) to 1 (white), and what to do about it. */
export function exposure({ mean, bright, dark }) {
  const level = mean / 255;
  if (bright > 0.25) return { level, word: "too bright: paper loses its detail" };
  if (level < 0.22 || dark > 0.6) return { level, word: "too dark: bring more light" };
  return { level, word: "good" };
}

/** Return {level, word} of the sharpness, against the best that was seen lately. */
export function focus(now, best) {
  const level = best > 0 ? Math.min(1, now / best) : 0;
  if (best < 8) return { level, word: "nothing to focus on" };
  return { level, word: level < 0.5 ? "soft: wait for the focus, or hold still" : "good" };
}
