// Writing to the server: in order, with the token of this session; what goes wrong is a sentence.

let last = Promise.resolve();
let unsent = 0; // what was said and is not known to be stored

window.addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); }); // the browser asks first

/** Return the token that every write carries, as the page was given it. */
function token() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** Return the JSON that an address answers; throws an Error whose message is a sentence. */
export async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Nothing more is stored until it does.");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answered ${answer.status}.`);
  return answer.json();
}

/** Send a JSON value, after all that was sent before; resolves with the answer. */
export function send(address, value = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token() };
  unsent += 1;
  // keepalive: what is under way arrives though the page is left
  const sent = last.then(() => ask(address, { method: "POST", headers, body: JSON.stringify(value), keepalive: true }));
  last = sent.catch(() => undefined).then(() => { unsent -= 1; }); // what failed does not keep the next from being sent
  return sent;
}

/** Send the bytes of a picture; resolves with the answer. */
export function sendPicture(address, picture) {
  const headers = { "Content-Type": picture.type || "image/jpeg", "X-CSRF-Token": token() };
  return ask(address, { method: "POST", headers, body: picture });
}
