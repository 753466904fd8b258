// The page works without this: it opens what is folded, follows the question, and adds sorting, filters and tips.
import {ask, asked, isQuestion, labels, misheard, named, onAsked, start as startAsking, unknownIn} from "./asked.js";
import {enhance as enhanceExplorer} from "./explorer.js";
import {enhance as enhanceFigures} from "./figures.js";
import {holderOf, isFolded, settled, unfold} from "./folding.js";
import {enhance as enhanceMarks} from "./marks.js";
import {enhance as enhanceScrolls} from "./scrolls.js";
import {enhance as enhanceTables} from "./tables.js";
import {start as startTips} from "./tips.js";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Show below a node what is asked for, and put there what is still folded.
function follow(root = document) {
  const {outcome, place} = asked();
  const fits = node => (node.dataset.of ?? outcome ?? node.dataset.of) === (outcome ?? node.dataset.of) && (place === null || node.dataset.place === place);
  for (const node of all(".answer", root)) node.classList.toggle("off", !fits(node));
  for (const node of all("[data-outcome]", root)) shows(node, outcome === null || node.dataset.outcome === outcome);
  for (const node of all("[data-setting]", root)) if (labels.has(node.dataset.setting)) shows(node, node.dataset.setting === place);
  if (root === document) document.getElementById("explorer")?.follow?.(asked());
  if (root === document) for (const part of all("main .part")) say(part, outcome);
}

function shows(node, isAsked) {
  node.classList.toggle("off", !isAsked);
  if (isAsked && isFolded(node)) unfold(node, enhance);
}

// Say where a part has nothing on the outcome that is asked for.
function say(part, outcome) {
  const blocks = all("[data-outcome]", part), isMissing = outcome !== null && blocks.length > 0 && !blocks.some(node => node.dataset.outcome === outcome);
  let line = part.querySelector(":scope > .nothing");
  if (isMissing && !line) {
    line = document.createElement("p");
    line.className = "nothing grey";
    line.textContent = "Nothing of this kind was computed for this outcome.";
    part.append(line);
  }
  if (line) line.hidden = !isMissing;
}

function enhance(root) {
  enhanceTables(root);
  enhanceMarks(root, enhance);
  enhanceFigures(root);
  enhanceScrolls(root);
  enhanceExplorer(root, asked());
  for (const node of all("details.fold", root)) listen(node);
  follow(root);
}

function listen(node) {
  if (node.dataset.heard !== undefined) return;
  node.dataset.heard = "";
  node.addEventListener("toggle", () => { if (node.open) unfold(node, enhance); });
}

// A fragment as it reads; one that cannot be decoded as it stands.
function plain(fragment) {
  try { return decodeURIComponent(fragment); } catch { return fragment; }
}

const isPlace = id => !id || Boolean(document.getElementById(id) ?? holderOf(id));

// Go to what the address names, wherever it is folded.
async function arrive() {
  const id = plain(location.hash.slice(1)), isState = id.startsWith("weigh?") && document.getElementById("panel");
  if (!isState) misheard(isQuestion(id) ? unknownIn(id) : isPlace(id) ? [] : [id]);
  for (let holder = id && !document.getElementById(id) && holderOf(id); holder && isFolded(holder); holder = !document.getElementById(id) && holderOf(id)) {
    if (holder instanceof HTMLDetailsElement) holder.open = true;
    if (holder.dataset.outcome) ask({outcome: holder.dataset.outcome});
    await unfold(holder, enhance);
  }
  const target = id && document.getElementById(id);
  if (!target) return;
  await settled();
  const block = target.closest("[data-outcome].off");
  if (block) ask({outcome: block.dataset.outcome});
  await settled();
  const place = target.closest("[data-setting].off");
  if (place) ask({setting: named(place.dataset.setting)});
  await settled();
  for (let node = target.closest("details"); node; node = node.parentElement.closest("details")) node.open = true;
  target.scrollIntoView();
}

const begun = performance.now();
document.documentElement.dataset.scripted = "";
startTips();
startAsking();
onAsked(() => follow());
enhance(document);
addEventListener("hashchange", arrive);
arrive();
performance.measure("page", {start: begun, end: performance.now()});
