// What was found on a page, as a flat list of boxes: {kind, number, x, y, width, height, row}.

const LAYER_OF = { line: "line", block: "block", separator: "separator", picture: "picture", face: "face" };

export function readBoxes(found) {
  const boxes = [];
  for (const [kind, { columns, rows }] of Object.entries(found)) {
    for (const values of rows) {
      const row = Object.fromEntries(columns.map((column, n) => [column, values[n]]));
      for (const name of ["path", "outline", "boundary", "baseline"]) {
        if (typeof row[name] === "string") row[name] = JSON.parse(row[name]);
      }
      boxes.push({ kind, layer: LAYER_OF[kind], number: values[0], x: row.x, y: row.y, width: row.width, height: row.height, row });
    }
  }
  return boxes;
}

export function readSteps(told) {
  const boxes = [];
  told.steps.forEach((step, place) => {
    for (const change of ["dropped", "trimmed"]) {
      for (const [x, y, width, height] of step[change]) {
        boxes.push({ kind: change, layer: "thrown", number: boxes.length + 1, x, y, width, height, step: step.step, place, row: { step: step.step, x, y, width, height } });
      }
    }
  });
  return boxes;
}

// The box that an address names: #face-3, or by its place as the walls of crops know it, #xywh=10,20,30,40.
export function boxNamed(boxes, hash) {
  const [, kind, number] = hash.match(/^#(line|block|separator|picture|face)-(\d+)$/) ?? [];
  if (kind) return boxes.find((box) => box.kind === kind && box.number === Number(number));
  return boxes.find((box) => ["face", "picture"].includes(box.kind) && hash === `#xywh=${[box.x, box.y, box.width, box.height]}`);
}

// The smallest box that holds a place is the one that is meant: a face on a picture, a line in a block.
export function boxAt(boxes, shown, x, y, slack) {
  let best = null;
  for (const box of boxes) {
    if (!shown.has(box.layer)) continue;
    if (x < box.x - slack || y < box.y - slack || x > box.x + box.width + slack || y > box.y + box.height + slack) continue;
    if (best === null || box.width * box.height < best.width * best.height) best = box;
  }
  return best;
}

// Which steps changed something where a line is now: those that joined, cut or added it.
export function stepsAt(told, line) {
  const middle = [line.x + line.width / 2, line.y + line.height / 2];
  const holds = ([x, y, width, height]) => middle[0] >= x && middle[0] <= x + width && middle[1] >= y && middle[1] <= y + height;
  const changes = [];
  for (const step of told.steps) {
    for (const change of ["added", "joined", "cut", "trimmed"]) {
      if (step[change].some(change === "trimmed" ? ([x, y, w, h]) => y < middle[1] && y + h > middle[1] && x < line.x + line.width + line.height && x + w > line.x - line.height : holds)) changes.push({ step: step.step, change });
    }
  }
  return changes;
}
