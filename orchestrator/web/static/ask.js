// The box of Ask: Ctrl + Enter asks, a word of the dictionary goes where the cursor is, another question has no name.
"use strict";

const form = document.getElementById("ask");
const box = document.getElementById("sql");

box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.querySelector(".dictionary").addEventListener("click", (event) => {
  const word = event.target.closest("[data-word]")?.dataset.word;
  if (!word) return;
  const before = box.value.slice(0, box.selectionStart);
  box.focus();
  box.setRangeText((before === "" || /[\s(,.]$/.test(before) ? "" : " ") + word, box.selectionStart, box.selectionEnd, "end");
});

form.addEventListener("submit", () => {
  for (const field of form.querySelectorAll(".values input")) field.disabled = field.value === "";
});
addEventListener("pageshow", () => form.querySelectorAll(".values input").forEach((field) => { field.disabled = false; }));
