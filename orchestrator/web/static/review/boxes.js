// Boxes of a page as values: those that were found, and what was said of them. Pure.

export const KINDS = ["line", "separator", "face", "picture"];

/** Return the boxes of a page: {kind, number, x, y, width, height, isFalse, isDrawn, isMoved, review}. */
export function boxesOf(page) {
  const said = page.statements;
  const boxes = KINDS.flatMap((kind) => page[`${kind}s`].map(([x, y, width, height], at) => {
    const isFalse = find(said, "false_box", kind, at + 1);
    const moved = find(said, "moved_separator", kind, at + 1);
    const place = moved ? { ...moved.box } : { x, y, width, height };
    const review = isFalse?.review_id ?? moved?.review_id ?? null;
    return { kind, number: at + 1, ...place, isFalse: Boolean(isFalse), isDrawn: false, isMoved: Boolean(moved), review };
  }));
  const drawn = said.filter((one) => one.verdict === "missing_box").map((one) => ({
    kind: one.box_kind, number: null, ...one.box, isFalse: false, isDrawn: true, isMoved: false, review: one.review_id,
  }));
  return [...boxes, ...drawn];
}

function find(said, verdict, kind, number) {
  return said.find((one) => one.verdict === verdict && one.box_kind === kind && one.box_number === number);
}

/** Return the verdict on the page as a whole, null where there is none. */
export function verdictOn(page) {
  const found = page.statements.filter((one) => ["right", "wrong", "read_again"].includes(one.verdict));
  return found.at(-1)?.verdict ?? null;
}

/** Return the box between two points, whole pixels, inside of a page. */
export function between(one, other, page) {
  const clamp = (value, most) => Math.round(Math.max(0, Math.min(value, most)));
  const x = clamp(Math.min(one.x, other.x), page.width), y = clamp(Math.min(one.y, other.y), page.height);
  return {
    x, y,
    width: clamp(Math.max(one.x, other.x), page.width) - x,
    height: clamp(Math.max(one.y, other.y), page.height) - y,
  };
}

/** Return a box moved by (dx, dy) pixels, its lower right corner by (dw, dh) more; it stays on the page. */
export function nudged(box, { dx = 0, dy = 0, dw = 0, dh = 0 }, page) {
  const width = Math.max(2, Math.min(box.width + dw, page.width)), height = Math.max(2, Math.min(box.height + dh, page.height));
  const x = Math.max(0, Math.min(box.x + dx, page.width - width)), y = Math.max(0, Math.min(box.y + dy, page.height - height));
  return { ...box, x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}

/** Return what an arrow key does to a box: alone it moves it, with Shift it moves its lower right corner. */
export function arrow(key, large, step) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!way) return null;
  return large ? { dw: way[0] * step, dh: way[1] * step } : { dx: way[0] * step, dy: way[1] * step };
}

/** Return the index of the smallest box at a point, -1 where there is none; thin boxes have `slack` pixels around them. */
export function boxAt(boxes, point, slack) {
  let found = -1;
  boxes.forEach((box, at) => {
    const near = (value, start, length) => value >= start - slack && value <= start + length + slack;
    if (!near(point.x, box.x, box.width) || !near(point.y, box.y, box.height)) return;
    if (found < 0 || box.width * box.height < boxes[found].width * boxes[found].height) found = at;
  });
  return found;
}

/** Return the box that follows the one at an index, of a kind if it is given; wraps around, -1 where there is none. */
export function after(boxes, at, steps, kind = null) {
  for (let tried = 1; tried <= boxes.length; tried += 1) {
    const next = (((at + steps * tried) % boxes.length) + boxes.length) % boxes.length;
    if (!kind || boxes[next].kind === kind) return next;
  }
  return -1;
}
