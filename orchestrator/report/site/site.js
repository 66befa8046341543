// Keys: n and p turn the page, a layer's key shows or hides it. The site works without.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const rel = {n: "next", p: "prev"}[event.key];
  const turn = rel && document.querySelector(`.turn [rel=${rel}]`);
  if (turn) turn.click();
  const layer = [...document.querySelectorAll("input[data-key]")].find((input) => input.dataset.key === event.key);
  if (layer) layer.click();
});
