// What is folded: compressed (deflate, base64) or in a template, until it is asked for.
const opening = new WeakMap();
const pending = new Set();

// Whether a node holds something that is still folded.
export const isFolded = node => Boolean(node.querySelector(":scope > .folded"));

// Put what a node holds into it, once; `heard` is called with the node when it is there.
export function unfold(node, heard) {
  if (!isFolded(node)) return Promise.resolve();
  if (!opening.has(node)) {
    const done = put(node).then(() => heard(node)).finally(() => pending.delete(done));
    opening.set(node, done);
    pending.add(done);
  }
  return opening.get(node);
}

// When all that is being put is there, with what it unfolds in turn.
export async function settled() {
  while (pending.size) await Promise.all(pending);
}

async function put(node) {
  const kept = node.querySelector(":scope > .folded");
  if (kept instanceof HTMLTemplateElement) { kept.replaceWith(kept.content); return; }
  const bytes = Uint8Array.from(atob(kept.textContent), letter => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const whole = document.createElement("template");
  whole.innerHTML = await new Response(plain).text();
  kept.replaceWith(whole.content);
}

// The node that holds what has an id, where that is folded.
export const holderOf = id =>
  [...document.querySelectorAll(".folded")].find(kept => kept.dataset.holds.split(" ").includes(id))?.parentElement ?? null;
